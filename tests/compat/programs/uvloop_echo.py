"""uvloop: its own sockets, and those of the `socket` module by sock=, sock_recv and their kin."""

import asyncio
import socket

import uvloop
from measure import REQUESTS, measured, payload


async def echo(reader, writer):
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def check_streams(port, **options):
    reader, writer = await asyncio.open_connection(
        **(options or {"host": "127.0.0.1", "port": port})
    )
    for size in (1, 65_536, 2_000_000):
        writer.write(payload(size))
        assert await reader.readexactly(size) == payload(size)
    writer.close()
    await writer.wait_closed()


async def check_datagrams():
    class Back(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data, address)

    loop = asyncio.get_running_loop()
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    transport, _ = await loop.create_datagram_endpoint(Back, sock=sock)
    with socket.socket(type=socket.SOCK_DGRAM) as plain:
        plain.connect(transport.get_extra_info("sockname"))
        plain.settimeout(10)
        for size in (1, 1400, 60_000):
            plain.send(payload(size))
            assert await loop.run_in_executor(None, plain.recv, 65_536) == payload(size)
    transport.close()


async def main():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, uvloop.Loop)
    listener = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(echo, sock=listener)
    port = listener.getsockname()[1]
    await check_streams(port)
    await check_streams(port, sock=socket.create_connection(("127.0.0.1", port)))
    await check_datagrams()
    message = payload(64)
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        with measured():
            for _ in range(REQUESTS):
                await loop.sock_sendall(sock, message)
                assert await loop.sock_recv(sock, 1000) == message
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    uvloop.run(main())
