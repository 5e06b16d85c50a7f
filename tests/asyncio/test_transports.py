"""EventLoop makes and refuses transports as asyncio's own loop does."""

import asyncio
import random
import socket
import time

import pytest
from support.loops import Collecting, run


@pytest.fixture
def loop(pysock):
    loop = pysock.new_event_loop()
    yield loop
    loop.close()


async def make_stream(loop, sock):
    return (await loop.create_connection(asyncio.Protocol, sock=sock))[0]


async def make_datagrams(loop, sock):
    return (await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=sock))[0]


def refusal_of_a_second_transport(loop, make, sock):
    """The start of the message; None where asyncio makes two on one descriptor, as it once did."""

    async def main():
        transports = [await make(loop, sock)]
        try:
            transports.append(await make(loop, sock))
        except RuntimeError as error:
            return str(error).partition(" ")[0]
        finally:
            for transport in transports:
                transport.abort()
            await asyncio.sleep(0.01)

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


@pytest.mark.parametrize(
    ("make", "kind"), [(make_stream, socket.SOCK_STREAM), (make_datagrams, socket.SOCK_DGRAM)]
)
def test_a_descriptor_has_one_transport(pysock, make, kind):
    found = []
    for new_loop in asyncio.SelectorEventLoop, pysock.EventLoop:
        left, right = socket.socketpair(socket.AF_UNIX, kind)
        with left, right:
            left.setblocking(False)
            found.append(refusal_of_a_second_transport(new_loop(), make, left))
    assert found[0] == found[1]


def test_many_small_writes_of_one_callback(pysock):
    """Each takes the same time, however many are kept until the callback returns."""
    if pysock.BACKEND != "c":
        pytest.skip("asyncio's own transport keeps the pieces")
    count = 60_000
    pieces = [bytes([i % 251]) for i in range(count)]
    loop = pysock.new_event_loop()

    async def main():
        left, right = socket.socketpair()
        reader, answers = await asyncio.open_connection(sock=right)
        _, writer = await asyncio.open_connection(sock=left)
        begun = time.perf_counter()
        for piece in pieces:
            writer.write(piece)
        took = time.perf_counter() - begun
        assert await reader.readexactly(count) == b"".join(pieces)
        writer.close()
        await reader.read()
        answers.close()
        return took

    try:
        assert loop.run_until_complete(asyncio.wait_for(main(), 60)) < 1
    finally:
        loop.close()


async def connection(loop):
    served = loop.create_future()

    class Served(Collecting):
        def connection_made(self, transport):
            super().connection_made(transport)
            served.set_result(self)

    server = await loop.create_server(Served, "127.0.0.1", 0)
    _, client = await loop.create_connection(Collecting, *server.sockets[0].getsockname())
    accepted = await served
    server.close()
    return client, accepted


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_more_than_the_kernel_takes(loop, kind):
    async def main():
        client, server = await connection(loop)
        server.transport.pause_reading()
        data = random.Random(2).randbytes(30_000_000)
        mutable = bytearray(data)
        client.transport.write(kind(mutable))
        assert client.transport.get_write_buffer_size() > 0
        if kind is bytearray:
            mutable[:] = bytes(len(data))  # what was given is not looked at later
        client.transport.write(b"the end")
        assert client.paused == [True]
        client.transport.close()
        server.transport.resume_reading()
        assert await client.lost is None
        assert await server.lost is None
        assert bytes(server.received) == data + b"the end"
        assert client.paused == [True, False]

    run(loop, main())


def test_errors_of_a_transport(loop):
    told = []
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))

    async def main():
        client, server = await connection(loop)
        with pytest.raises(TypeError, match="data argument must be a bytes"):
            client.transport.write("text")
        server.data_received = lambda data: 1 // 0
        client.transport.write(b"x")
        assert isinstance(await server.lost, ZeroDivisionError)
        await client.lost
        assert told == ["Fatal error: protocol.data_received() call failed."]

    run(loop, main())


def test_the_end_of_the_stream(loop):
    async def main():
        client, server = await connection(loop)
        server.eof_received = lambda: True
        client.transport.write(b"question")
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
            client.transport.write(b"x")
        await asyncio.sleep(0.05)
        server.transport.write(b"answer")
        server.transport.close()
        await client.lost
        assert (bytes(server.received), bytes(client.received)) == (b"question", b"answer")

    run(loop, main())


def test_a_protocol_that_is_replaced(loop):
    async def main():
        client, server = await connection(loop)
        other = Collecting()
        client.transport.write(b"first")
        await asyncio.sleep(0.05)
        server.transport.set_protocol(other)
        client.transport.write(b"second")
        client.transport.close()
        await other.lost
        assert (bytes(server.received), bytes(other.received)) == (b"first", b"second")

    run(loop, main())


def test_a_patched_receive_runs(pysock, loop, monkeypatch):
    called = []
    original = socket.socket.recv

    def recv(self, *arguments):
        called.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(socket.socket, "recv", recv, raising=False)

    async def main():
        client, server = await connection(loop)
        client.transport.write(b"x")
        client.transport.close()
        await server.lost
        assert server.received == b"x"

    run(loop, main())
    assert (256 * 1024,) in called


def received_of_a_write_after_close(new_loop):
    """What comes of a write in resume_writing(), where close() waits for the buffer to be empty."""
    errors = []

    class WritesOnceMore(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.lost = transport, loop.create_future()

        def resume_writing(self):
            self.resume_writing = lambda: None
            self.transport.write(bytes(4 << 20))

        def connection_lost(self, error):
            self.lost.set_result(error)

    async def main():
        transport, protocol = await loop.create_connection(WritesOnceMore, sock=left)
        transport.set_write_buffer_limits(high=1)
        transport.write(bytes(4 << 20))
        transport.close()
        reader, writer = await asyncio.open_connection(sock=right)
        received = len(await reader.read())
        assert (await asyncio.wait_for(protocol.lost, 10)) is None
        writer.close()
        return received

    loop = new_loop()
    loop.set_exception_handler(lambda loop, context: errors.append(context["message"]))
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        try:
            return loop.run_until_complete(asyncio.wait_for(main(), 20)), errors
        except asyncio.TimeoutError:
            return "connection_lost() was not called", errors
        finally:
            loop.close()


CLOSE = asyncio.selector_events._SelectorSocketTransport.close


@pytest.mark.skipif(
    "_write_ready" in CLOSE.__code__.co_names, reason="in this version asyncio loses these bytes"
)
def test_a_write_after_close_is_sent(pysock):
    expected = received_of_a_write_after_close(asyncio.SelectorEventLoop)
    assert expected == (8 << 20, [])
    assert received_of_a_write_after_close(pysock.EventLoop) == expected
    assert received_of_a_write_after_close(pysock.new_event_loop) == expected
