"""What an EventLoop does in another way than asyncio's own loop, or than uvloop."""

import asyncio
import inspect
import os
import select
import socket
import subprocess
import sys
import threading
import traceback

import pytest
from support.loops import run
from support.needs import needs

try:
    import uvloop
except ImportError:
    uvloop = None

HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
needs_uvloop = needs("uvloop", uvloop)
if uvloop:
    uvloop.new_event_loop().close()  # the first one opens a pipe that stays


class Kept(asyncio.Protocol):
    """Keeps its transport, and what came."""

    def connection_made(self, transport):
        self.transport = transport
        self.data = b""

    def data_received(self, data):
        self.data += data


@pytest.fixture
def loop(pysock, only_c):
    """That of the fallback is asyncio's."""
    loop = pysock.EventLoop(coalesce_writes=True)
    yield loop
    loop.close()


async def in_callback(loop, function):
    """What *function* returns, called as a callback of its own."""
    future = loop.create_future()
    loop.call_soon(lambda: future.set_result(function()))
    return await future


def test_the_factory_of_a_servers_protocols_runs_in_no_task(loop):
    async def main():
        tasks = loop.create_future()

        def factory():
            tasks.set_result(asyncio.current_task(loop))
            return Kept()

        server = await loop.create_server(factory, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(Kept, *server.sockets[0].getsockname())
        assert await tasks is None
        transport.close()
        server.close()
        await asyncio.sleep(0.01)

    run(loop, main())


def test_a_servers_reader_and_writer_are_of_subclasses(loop):
    async def main():
        readers = loop.create_future()

        async def serve(reader, writer):
            readers.set_result((reader, writer))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        own, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for made, cls in zip(
            await readers, (asyncio.StreamReader, asyncio.StreamWriter), strict=True
        ):
            assert isinstance(made, cls) and (type(made) is not cls) == HAS_GIL
        assert (type(own), type(writer)) == (asyncio.StreamReader, asyncio.StreamWriter)
        writer.close()
        server.close()
        await asyncio.sleep(0.01)

    run(loop, main())


def test_several_datagrams_come_in_a_turn(loop):
    class Counting(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            turns.append(loop.metrics()["turns"])

    turns = []

    async def main():
        transport, _ = await loop.create_datagram_endpoint(Counting, local_addr=("127.0.0.1", 0))
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            for _ in range(20):
                sock.sendto(b"x", transport.get_extra_info("sockname"))
        while len(turns) < 20:
            await asyncio.sleep(0)
        transport.close()

    run(loop, main())
    assert max(turns.count(turn) for turn in set(turns)) == 16


def test_the_attributes_that_c_code_reads_are_slots(loop):
    assert "_ready" not in vars(loop) and list(loop._ready) == []


def test_the_stack_of_a_callback(loop):
    async def main():
        return await in_callback(loop, traceback.extract_stack)

    names = [frame.name for frame in run(loop, main())]
    assert "_run_once" in names and "_run" not in names


def test_the_stack_of_a_waiting_loop(loop):
    stacks = []
    main_thread = threading.get_ident()

    def look():
        frame = sys._current_frames()[main_thread]
        stacks.append(
            [(os.path.basename(f.filename), f.name) for f in traceback.extract_stack(frame)]
        )

    timer = threading.Timer(0.2, look)
    timer.start()
    run(loop, asyncio.sleep(0.5))
    timer.join()
    assert stacks[0][-2:] == [("event_loop.py", "_run_once"), ("selectors.py", "select")]


def test_the_traceback_of_a_callback(loop):
    async def main():
        contexts = loop.create_future()
        loop.set_exception_handler(lambda _, context: contexts.set_result(context))
        loop.call_soon(int, "no number")
        return await contexts

    error = run(loop, main())["exception"]
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == ["_run"]


def test_the_descriptor_of_a_wait_stays_with_the_kernel(loop, pysock):
    """The kernel reports nothing of it. Who adds it to the `select.epoll` himself meets it."""

    async def main(a, b):
        loop.call_soon(b.send, b"x")
        assert await loop.sock_recv(a, 10) == b"x"
        assert a.fileno() not in loop._selector.get_map()
        poller = loop._selector._selector
        with pytest.raises(FileExistsError):
            poller.register(a.fileno(), select.EPOLLIN)

    a, b = pysock.socketpair()
    with a, b:
        a.setblocking(False)
        run(loop, main(a, b))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12")
def test_a_tool_of_sys_monitoring_is_noticed_soon(loop):
    async def main():
        sys.monitoring.use_tool_id(3, "test")
        try:
            await asyncio.sleep(0.1)
            return loop.not_accelerated()
        finally:
            sys.monitoring.free_tool_id(3)

    assert "sys.monitoring" in run(loop, main())


def coalescing(test):
    """A test as a coroutine, called with the loop, a transport, and the peer's socket."""

    async def main(loop):
        a, b = socket.socketpair()
        with b:
            b.setblocking(False)
            transport, _ = await loop.create_connection(Kept, sock=a)
            try:
                await test(loop, transport, b)
            finally:
                transport.abort()
                await asyncio.sleep(0.01)

    return main


def nothing_there(sock):
    return not select.select([sock], [], [], 0)[0]


def test_coalesced_writes_leave_when_the_callback_returns(loop):
    @coalescing
    async def main(loop, transport, peer):
        def write():
            transport.write(b"data")
            return nothing_there(peer)

        assert await in_callback(loop, write)
        assert peer.recv(10) == b"data"

    run(loop, main(loop))


def test_is_closing_after_a_coalesced_write(loop):
    """The error of the connection is met when the callback returns."""

    @coalescing
    async def main(loop, transport, peer):
        peer.close()

        def write():
            transport.write(b"data")
            return transport.is_closing()

        assert not await in_callback(loop, write)
        await asyncio.sleep(0)
        assert transport.is_closing()

    run(loop, main(loop))


def test_a_transports_socket_that_was_taken_before_the_write(loop):
    """Who asks the transport for its socket again sends what was written first."""

    @coalescing
    async def main(loop, transport, peer):
        sock = transport.get_extra_info("socket")

        def write():
            transport.write(b"data")
            sock.shutdown(socket.SHUT_WR)

        await in_callback(loop, write)
        assert peer.recv(20) == b""

    run(loop, main(loop))


def test_a_process_that_ends_within_the_callback(loop):
    program = """
import asyncio, os, socket, pysock
loop = pysock.new_event_loop()
a, b = socket.socketpair()

async def main():
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
    transport.write(b"data")
    os._exit(len(b.recv(10, socket.MSG_DONTWAIT)) if has_data() else 77)

def has_data():
    import select
    return bool(select.select([b], [], [], 0)[0])

loop.run_until_complete(main())
"""
    environment = {**os.environ, "PYSOCK_NO_EXTENSIONS": "", "PYTHONDEVMODE": ""}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 77


@needs_uvloop
def test_transports_are_asyncios(loop):
    async def transports():
        running = asyncio.get_running_loop()
        a, b = socket.socketpair()
        with b:
            transport, _ = await running.create_connection(Kept, sock=a)
            found = type(transport).__mro__
            transport.close()
            await asyncio.sleep(0.01)
            return found

    names = [cls.__module__ for cls in run(loop, transports())]
    assert "asyncio.selector_events" in names
    other = uvloop.new_event_loop()
    try:
        found = other.run_until_complete(transports())
    finally:
        other.close()
    assert "asyncio.selector_events" not in [cls.__module__ for cls in found]


@needs_uvloop
@pytest.mark.parametrize("name", ["sock_recvfrom", "sock_recvfrom_into", "sock_sendto"])
def test_datagrams_by_the_loops_methods(loop, name):
    other = uvloop.new_event_loop()
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            arguments = {"sock_sendto": (b"x", ("127.0.0.1", 9))}.get(name, (bytearray(10),))
            with pytest.raises(NotImplementedError):
                other.run_until_complete(getattr(other, name)(sock, *arguments))
    finally:
        other.close()
    assert inspect.iscoroutinefunction(getattr(loop, name))


@needs_uvloop
def test_names_are_looked_up_in_threads(loop):
    async def main():
        names = []
        original = socket.getaddrinfo

        def looked_up(*arguments):
            names.append(threading.current_thread() is threading.main_thread())
            return original(*arguments)

        socket.getaddrinfo = looked_up
        try:
            await loop.getaddrinfo("localhost", 80)
        finally:
            socket.getaddrinfo = original
        return names

    assert run(loop, main()) == [False]
