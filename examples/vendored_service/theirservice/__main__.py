"""Say hello once over the vendored pysock: python -m theirservice."""

import asyncio

from ._vendor import pysock


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello, " + await reader.readline())
    await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"world\n")
    print((await reader.readline()).decode(), end="")
    writer.close()
    server.close()
    print(pysock.EventLoop, pysock.BACKEND)


pysock.run(main())
