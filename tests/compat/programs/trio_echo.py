"""trio: streams, TLS, datagrams, unix sockets, sockets from the standard library's module."""

import socket
import ssl
import tempfile

import trio
import trustme
from measure import REQUESTS, measured, payload


async def echo(stream):
    async for data in stream:
        await stream.send_all(data)


async def read(stream, size):
    got = bytearray()
    while len(got) < size:
        got += await stream.receive_some()
    return bytes(got)


async def check(stream):
    for size in (1, 65_536, 2_000_000):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, payload(size))
            assert await read(stream, size) == payload(size)
    with trio.move_on_after(0.05) as waited:
        await stream.receive_some()
    assert waited.cancelled_caught


async def check_tls(nursery):
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    listeners = await nursery.start(trio.serve_ssl_over_tcp, echo, 0, server)
    port = listeners[0].transport_listener.socket.getsockname()[1]
    stream = await trio.open_ssl_over_tcp_stream("localhost", port, ssl_context=client)
    async with stream:
        await check(stream)


async def check_datagrams():
    with trio.socket.socket(type=socket.SOCK_DGRAM) as one:
        with trio.socket.socket(type=socket.SOCK_DGRAM) as two:
            await one.bind(("127.0.0.1", 0))
            await two.bind(("127.0.0.1", 0))
            for size in (0, 1, 1400, 60_000):
                await two.sendto(payload(size), one.getsockname())
                assert await one.recvfrom(65_536) == (payload(size), two.getsockname())


async def check_unix(nursery):
    with tempfile.TemporaryDirectory() as directory:
        listener = trio.socket.socket(socket.AF_UNIX)
        await listener.bind(path := directory + "/socket")
        listener.listen()
        nursery.start_soon(trio.serve_listeners, echo, [trio.SocketListener(listener)])
        async with await trio.open_unix_socket(path) as stream:
            await check(stream)


async def main():
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(serve)
        await check_tls(nursery)
        await check_datagrams()
        await check_unix(nursery)
        own = trio.socket.from_stdlib_socket(
            socket.create_connection(listener.socket.getsockname())
        )
        async with trio.SocketStream(own) as stream:
            await check(stream)
        port = listener.socket.getsockname()[1]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await check(stream)
            message = payload(64)
            with measured():
                for _ in range(REQUESTS):
                    await stream.send_all(message)
                    assert await stream.receive_some() == message
        nursery.cancel_scope.cancel()


async def serve(task_status):
    await trio.serve_tcp(echo, 0, host="127.0.0.1", task_status=task_status)


if __name__ == "__main__":
    trio.run(main)
