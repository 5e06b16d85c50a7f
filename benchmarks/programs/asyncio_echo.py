"""An asyncio echo server on the default loop: ``asyncio_echo.py cold|warm [uvloop]``."""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if "warm" in sys.argv:
    bytearray(1 << 20)  # freed at once: from here on glibc maps no block of this size
if "uvloop" in sys.argv:
    import uvloop

    uvloop.install()
asyncio.run(main())
