"""A loop that coalesces writes: one system call for a callback, and nothing else is different."""

import asyncio
import os
import random
import signal
import socket

import pytest
from support.loops import Collecting, needs_strace, run, system_calls, turns
from support.waits import fill


@pytest.fixture
def loop(pysock):
    """Both backends: where nothing is coalesced, all of this holds as well."""
    loop = pysock.EventLoop(coalesce_writes=True)
    yield loop
    loop.close()


@pytest.fixture
def coalescing_loop(loop, only_c):
    """Writes are coalesced in C only."""
    return loop


def connected(test):
    """A test as a coroutine, called with the loop, a protocol and its peer, a socket."""

    async def main(loop, *arguments):
        a, b = socket.socketpair()
        b.setblocking(False)
        with b:
            _, protocol = await loop.create_connection(Collecting, sock=a)
            try:
                await test(loop, protocol, b, *arguments)
            finally:
                protocol.transport.abort()
                await asyncio.wait_for(asyncio.shield(protocol.lost), 5)

    return main


def arrived(peer, size=1000):
    """What is there now: None if it is nothing."""
    try:
        return peer.recv(size)
    except BlockingIOError:
        return None


async def in_a_callback(loop, callback, *arguments):
    """What *callback* returns; it is a callback of its own."""
    result = loop.create_future()

    def call():
        try:
            result.set_result(callback(*arguments))
        except Exception as error:
            result.set_exception(error)

    loop.call_soon(call)
    return await result


def test_it_is_sent_when_the_callback_returns(coalescing_loop):
    @connected
    async def main(loop, protocol, peer):
        def callback():
            protocol.transport.write(b"head")
            protocol.transport.write(bytearray(b", "))
            protocol.transport.write(memoryview(b"body"))
            return arrived(peer)

        assert await in_a_callback(loop, callback) is None
        assert arrived(peer) == b"head, body"

    run(coalescing_loop, main(coalescing_loop))


def test_a_loop_without_it_sends_at_once(pysock):
    loop = pysock.EventLoop()

    @connected
    async def main(loop, protocol, peer):
        protocol.transport.write(b"head")
        assert arrived(peer) == b"head"
        protocol.transport.write(b"body")
        assert arrived(peer) == b"body"

    run(loop, main(loop))
    loop.close()


def test_outside_a_callback_it_is_sent_at_once(loop):
    a, b = socket.socketpair()
    b.setblocking(False)
    with b:
        _, protocol = run(loop, loop.create_connection(Collecting, sock=a))
        for data in (b"one", b"two"):
            protocol.transport.write(data)
            assert arrived(b) == data
        protocol.transport.close()
        run(loop, asyncio.wait_for(protocol.lost, 5))


TRIGGERS = {
    "get_write_buffer_size": lambda transport: transport.get_write_buffer_size(),
    "get_extra_info": lambda transport: transport.get_extra_info("socket"),
    "set_write_buffer_limits": lambda transport: transport.set_write_buffer_limits(5),
    "write_eof": lambda transport: transport.write_eof(),
    "close": lambda transport: transport.close(),
    "abort": lambda transport: transport.abort(),
    "a large write": lambda transport: transport.write(bytes(17_000)),
    "much": lambda transport: [transport.write(bytes(16_000)) for _ in range(5)],
    "low limits": lambda transport: (
        transport.set_write_buffer_limits(3),
        transport.write(b"12345"),
    ),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_what_sends_at_once(loop, name):
    @connected
    async def main(loop, protocol, peer):
        def callback():
            protocol.transport.write(b"head")
            protocol.transport.write(b"body")
            TRIGGERS[name](protocol.transport)
            return arrived(peer)

        received = await in_a_callback(loop, callback)
        assert received.startswith(b"headbody")
        assert (arrived(peer) or b"").strip(b"\0") in (b"", b"12345")

    run(loop, main(loop))


def test_order_with_all_kinds_of_writes(loop):
    """Small and large writes, lists, full buffers: every byte, in order."""
    chance = random.Random(5)

    @connected
    async def main(loop, protocol, peer):
        expected = bytearray()

        def callback():
            for _ in range(chance.randrange(1, 12)):
                sizes = [chance.choice([0, 1, 10, 3000, 16384, 16385, 90_000]) for _ in range(3)]
                pieces = [chance.randbytes(size) for size in sizes]
                if chance.random() < 0.2:
                    protocol.transport.writelines(pieces)
                else:
                    for piece in pieces:
                        protocol.transport.write(piece)
                expected.extend(b"".join(pieces))
                if chance.random() < 0.1:
                    protocol.transport.get_write_buffer_size()

        received = bytearray()
        for _ in range(40):
            await in_a_callback(loop, callback)
            while chance.random() < 0.7 and len(received) < len(expected):
                received += await loop.sock_recv(peer, 200_000)
        while len(received) < len(expected):
            received += await loop.sock_recv(peer, 200_000)
        assert received == expected
        assert protocol.paused[:2] == [True, False]

    run(loop, main(loop))


def test_two_transports_write_to_each_other(loop):
    """Each has its own peer, and the order of all is kept."""

    @connected
    async def first(loop, one, peer_of_one):
        @connected
        async def second(loop, two, peer_of_two):
            def callback():
                for number in range(50):
                    one.transport.write(b"1:%d " % number)
                    two.transport.write(b"2:%d " % number)

            await in_a_callback(loop, callback)
            assert arrived(peer_of_one) == b"".join(b"1:%d " % number for number in range(50))
            assert arrived(peer_of_two) == b"".join(b"2:%d " % number for number in range(50))

        await second(loop)

    run(loop, first(loop))


def test_a_bytearray_that_changes_later(loop):
    @connected
    async def main(loop, protocol, peer):
        def callback():
            data = bytearray(b"before")
            view = memoryview(data)
            protocol.transport.write(data)
            protocol.transport.write(view[3:])
            data[:] = b"after!"
            view.release()
            data.clear()

        await in_a_callback(loop, callback)
        assert arrived(peer) == b"beforeore"

    run(loop, main(loop))


def test_an_exception_in_the_callback(loop):
    told = []
    loop.set_exception_handler(lambda _, context: told.append(type(context["exception"])))

    @connected
    async def main(loop, protocol, peer):
        def callback():
            protocol.transport.write(b"head")
            protocol.transport.write(b"body")
            raise LookupError

        loop.call_soon(callback)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert arrived(peer) == b"headbody"
        assert told == [LookupError]

    run(loop, main(loop))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_the_callback(loop, kind):
    a, b = socket.socketpair()
    b.setblocking(False)

    def callback():
        protocol.transport.write(b"head")
        protocol.transport.write(b"body")
        raise kind

    with b:
        _, protocol = run(loop, loop.create_connection(Collecting, sock=a))
        loop.call_soon(callback)
        with pytest.raises(kind):
            loop.run_forever()
        assert arrived(b) == b"headbody"
        protocol.transport.close()
        run(loop, asyncio.wait_for(protocol.lost, 5))


def test_an_interrupt_while_it_is_sent(coalescing_loop):
    """It comes while the first of several transports is about to wait: the others send as well."""
    loop = coalescing_loop
    pairs = [socket.socketpair() for _ in range(3)]

    async def make(sock):
        return (await loop.create_connection(Collecting, sock=sock))[1]

    protocols = [run(loop, make(a)) for a, _ in pairs]
    fill(pairs[0][0])

    def callback():
        for protocol in protocols:
            protocol.transport.write(b"head")
            protocol.transport.write(b"body")

    waiting = protocols[0].transport
    waiting._maybe_pause_protocol = lambda: signal.raise_signal(signal.SIGINT)
    loop.call_soon(callback)
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    del waiting._maybe_pause_protocol
    for _, b in pairs[1:]:
        b.setblocking(False)
        assert arrived(b) == b"headbody"
    for protocol in protocols:
        protocol.transport.abort()
        run(loop, asyncio.wait_for(protocol.lost, 5))
    for _, b in pairs:
        b.close()


def test_a_fork_in_the_callback(loop):
    """What was written before it is sent once; what the child writes is the child's."""

    @connected
    async def main(loop, protocol, peer):
        def callback():
            protocol.transport.write(b"before ")
            protocol.transport.write(b"the fork, ")
            child = os.fork()
            if child == 0:
                protocol.transport.write(b"child, ")
                protocol.transport.get_write_buffer_size()
                os._exit(0)
            os.waitpid(child, 0)
            protocol.transport.write(b"parent")

        await in_a_callback(loop, callback)
        assert arrived(peer) == b"before the fork, child, parent"

    run(loop, main(loop))


SIZES = [(50,), (50, 51), (200,), (9000, 9000), (70_000,), (30_000, 40_000)]


@pytest.mark.parametrize("high", [0, 100, None])
@pytest.mark.parametrize("sizes", SIZES)
def test_pause_writing_as_with_asyncio(pysock, plain_loop, high, sizes):
    """What the protocol is told while the callback still runs, with a peer that does not read."""

    @connected
    async def main(loop, protocol, peer, shown):
        fill(protocol.transport.get_extra_info("socket")._sock)
        protocol.transport.set_write_buffer_limits(high)

        def callback():
            for size in sizes:
                protocol.transport.write(bytes(size))
                shown.append(list(protocol.paused))
            shown.append(protocol.transport.get_write_buffer_size())

        await in_a_callback(loop, callback)
        while protocol.transport.get_write_buffer_size():
            arrived(peer, 1 << 20)
            await asyncio.sleep(0)
        shown.append(protocol.paused)

    loop = pysock.EventLoop(coalesce_writes=True)
    found, expected = [], []
    run(loop, main(loop, found))
    run(plain_loop, main(plain_loop, expected))
    loop.close()
    assert found == expected


def test_drain_waits_for_a_slow_reader(loop):
    """`writer.drain()` right after the write that is too much, in the same callback."""

    async def main():
        data = bytes(range(256)) * 40
        reached = []

        async def served(reader, writer):
            for number in range(1000):
                writer.write(data)
                await writer.drain()
                reached.append(number)
            writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.sleep(0.1)
            assert len(reached) < 1000
            assert await reader.read() == data * 1000
            writer.close()

    run(loop, main())


def test_a_broken_connection(loop):
    @connected
    async def main(loop, protocol, peer):
        peer.close()

        def callback():
            for _ in range(20):
                protocol.transport.write(b"x")
            protocol.transport.get_write_buffer_size()
            return protocol.transport.is_closing()

        assert await in_a_callback(loop, callback)
        assert isinstance(await asyncio.shield(protocol.lost), (BrokenPipeError, type(None)))

    run(loop, main(loop))


def test_debug_mode_sends_at_once(loop):
    loop.set_debug(True)

    @connected
    async def main(loop, protocol, peer):
        protocol.transport.write(b"head")
        assert arrived(peer) == b"head"

    run(loop, main(loop))


def test_very_many_small_writes(coalescing_loop):
    """The time does not grow with the square of their number. asyncio's own does, since 3.12."""
    loop = coalescing_loop

    @connected
    async def main(loop, protocol, peer):
        protocol.transport.set_write_buffer_limits(10_000_000)

        def callback():
            for _ in range(100_000):
                protocol.transport.write(b"x")

        begun = loop.time()
        await in_a_callback(loop, callback)
        assert loop.time() - begun < 10
        received = 0
        while received < 100_000:
            received += len(await loop.sock_recv(peer, 1 << 20))
        assert turns(loop)

    run(loop, main(loop))


PROGRAM = """
import asyncio, pysock, sys
class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(b"head")
        self.transport.write(b"body")
async def main(loop):
    server = await loop.create_server(Server, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for number in range(60):
        if number in (5, 55):
            mark()
        writer.write(b"question")
        assert await reader.readexactly(8) == b"headbody"
    writer.close()
    server.close()
loop = pysock.EventLoop(coalesce_writes={})
loop.run_until_complete(main(loop))
loop.close()
"""


@needs_strace
@pytest.mark.parametrize("coalesces", [True, False])
def test_system_calls(coalescing_loop, tmp_path, coalesces):
    made = system_calls(PROGRAM.format(coalesces), tmp_path)
    sent = [call for call in made if "head" in call and call.startswith("send")]
    assert len(sent) == 50
    assert ['"headbody"' in call for call in sent] == [coalesces] * 50
    assert len([call for call in made if '"body"' in call]) == (0 if coalesces else 50)
