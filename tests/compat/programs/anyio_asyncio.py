"""anyio on asyncio: TCP, UDP, unix sockets, descriptors passed, waiting for a plain socket."""

import os
import socket
import tempfile

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream
from measure import REQUESTS, measured, payload


async def echo(stream):
    async with stream:
        try:
            async for data in stream:
                await stream.send(data)
        except anyio.BrokenResourceError:
            pass


async def check(stream):
    reader = BufferedByteReceiveStream(stream)
    for size in (1, 65_536, 2_000_000):
        async with anyio.create_task_group() as group:
            group.start_soon(stream.send, payload(size))
            assert await reader.receive_exactly(size) == payload(size)
    with anyio.move_on_after(0.05) as scope:
        await stream.receive()
    assert scope.cancelled_caught


async def check_datagrams():
    options = {"local_host": "127.0.0.1"}
    async with await anyio.create_udp_socket(**options) as one:
        async with await anyio.create_udp_socket(**options) as two:
            where = one.extra(anyio.abc.SocketAttribute.local_address)
            back = two.extra(anyio.abc.SocketAttribute.local_address)
            for size in (1, 1400, 60_000):
                await two.sendto(payload(size), *where)
                assert await one.receive() == (payload(size), back)


async def pass_descriptor(stream):
    async with stream:
        _, descriptors = await stream.receive_fds(10, 1)
        with os.fdopen(descriptors[0], "wb") as pipe:
            pipe.write(b"through a descriptor")


async def check_unix(group, directory):
    listener = await anyio.create_unix_listener(directory + "/echo")
    group.start_soon(listener.serve, echo)
    async with await anyio.connect_unix(directory + "/echo") as stream:
        await check(stream)
    passing = await anyio.create_unix_listener(directory + "/pass")
    group.start_soon(passing.serve, pass_descriptor)
    reading, writing = os.pipe()
    async with await anyio.connect_unix(directory + "/pass") as stream:
        await stream.send_fds(b"one", [writing])
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            assert await anyio.to_thread.run_sync(pipe.read) == b"through a descriptor"


async def check_waiting():
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.wait_readable, one)
            await anyio.sleep(0)
            two.send(b"now")
        assert one.recv(10) == b"now"


async def main():
    async with anyio.create_task_group() as group:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        group.start_soon(listener.serve, echo)
        await check_datagrams()
        await check_waiting()
        with tempfile.TemporaryDirectory() as directory:
            await check_unix(group, directory)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await check(stream)
            message = payload(64)
            with measured():
                for _ in range(REQUESTS):
                    await stream.send(message)
                    assert await stream.receive() == message
        group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)
