"""What is patched in a class of asyncio or of a selector runs where asyncio's own loop runs it."""

import asyncio
import selectors
import socket
from types import FunctionType

import pytest
from support.loops import run

SELECTOR_METHODS = ["get_key", "get_map", "modify", "register", "select", "unregister"]
CLASSES = [
    asyncio.SelectorEventLoop,
    asyncio.selector_events._SelectorSocketTransport,
    asyncio.selector_events._SelectorDatagramTransport,
    asyncio.StreamReader,
    asyncio.StreamReaderProtocol,
    asyncio.StreamWriter,
]


def methods():
    """Each method of CLASSES that a program of sockets may run, in the class that has it."""
    for cls in CLASSES:
        for name in dir(cls):
            if isinstance(getattr(cls, name), FunctionType) and (
                name[:2] != "__" or name == "__init__"
            ):
                for base in cls.__mro__:
                    if name in vars(base) and base is not object:
                        yield base, name


METHODS = sorted(set(methods()), key=lambda each: (each[0].__name__, each[1]))


async def everything(loop):
    """Use streams, datagrams, sock_* methods, timers and readers."""

    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.writelines([await reader.readuntil(b";"), await reader.readexactly(2)])
        await writer.drain()
        writer.close()

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data, address)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\nuntil;12")
        assert await reader.read() == b"line\nuntil;12"
        writer.close()
    transport, _ = await loop.create_datagram_endpoint(Echo, ("127.0.0.1", 0))
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, transport.get_extra_info("sockname"))
        await loop.sock_sendall(sock, b"datagram")
        assert await loop.sock_recv(sock, 100) == b"datagram"
    transport.close()
    a, b = socket.socketpair()
    with a, b:
        seen = loop.create_future()
        loop.add_reader(a, seen.set_result, True)
        loop.call_later(0.01, b.send, b"x")
        assert await seen
        loop.add_writer(a, int)
        assert loop.remove_reader(a) and loop.remove_writer(a)
    loop.call_soon_threadsafe(int)
    loop.call_at(loop.time(), int)
    await asyncio.sleep(0.05)  # connections that were closed end


def calls_of(make_loop, place, name, monkeypatch):
    called = []
    original = getattr(place, name)

    def spy(*arguments, **named):
        called.append(name)
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, spy)
        loop = make_loop()
        try:
            run(loop, everything(loop))
        finally:
            loop.close()
    return called


@pytest.mark.parametrize(
    ("place", "name"), METHODS, ids=lambda each: getattr(each, "__name__", each)
)
def test_a_patched_method_runs(pysock, monkeypatch, place, name):
    expected = calls_of(asyncio.SelectorEventLoop, place, name, monkeypatch)
    got = calls_of(pysock.EventLoop, place, name, monkeypatch)
    assert bool(got) == bool(expected)


def test_a_replaced_class_of_sockets_is_used(pysock, monkeypatch):
    class Shown(asyncio.trsock.TransportSocket):
        pass

    monkeypatch.setattr(asyncio.trsock, "TransportSocket", Shown)
    shown = []

    async def serve(reader, writer):
        shown.append(type(writer.get_extra_info("socket")))
        writer.close()

    async def main():
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await reader.read()
            shown.append(type(writer.get_extra_info("socket")))
            writer.close()
            await writer.wait_closed()

    loop = pysock.EventLoop()
    try:
        run(loop, main())
    finally:
        loop.close()
    assert shown == [Shown, Shown]


def calls_of_selector(make_loop, pysock, place, name, monkeypatch):
    called = []
    cls = type("Selector", (pysock.EpollSelector,), {})
    with monkeypatch.context() as patch:

        def replace(where, original):
            def spy(*arguments, **named):
                called.append(name)
                return original(*arguments, **named)

            patch.setattr(where, name, spy)

        if place == "subclass":
            replace(cls, getattr(cls, name))
        elif place != "instance":
            replace(place(pysock), getattr(place(pysock), name))
        selector = cls()
        if place == "instance":
            replace(selector, getattr(selector, name))
        loop = make_loop(selector)
        try:
            run(loop, everything(loop))
        finally:
            loop.close()
    return called


PLACES = {
    "class": lambda pysock: pysock.EpollSelector,
    "base": lambda pysock: selectors.EpollSelector,
    "subclass": "subclass",
    "instance": "instance",
}


@pytest.mark.parametrize("name", SELECTOR_METHODS)
@pytest.mark.parametrize("place", PLACES)
def test_a_replaced_method_of_the_selector_runs(pysock, monkeypatch, place, name):
    arguments = (pysock, PLACES[place], name, monkeypatch)
    expected = calls_of_selector(asyncio.SelectorEventLoop, *arguments)
    got = calls_of_selector(pysock.EventLoop, *arguments)
    assert bool(got) == bool(expected)


def tell_by_a_factory(cls, told):
    loop = cls()

    def factory(loop, coroutine, **named):
        told.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **named)

    loop.set_task_factory(factory)
    return loop


def tell_by_a_subclass(cls, told):
    class Tells(cls):
        def create_task(self, coroutine, **named):
            told.append(coroutine.__name__)
            return super().create_task(coroutine, **named)

    return Tells()


def tell_by_the_instance(cls, told):
    loop = cls()
    original = loop.create_task

    def create_task(coroutine, **named):
        told.append(coroutine.__name__)
        return original(coroutine, **named)

    loop.create_task = create_task
    return loop


@pytest.mark.parametrize("make", [tell_by_a_factory, tell_by_a_subclass, tell_by_the_instance])
def test_who_makes_the_tasks_is_told_of_each(net, make):
    """Tracers give each connection its own scope in its task."""

    async def connect(loop):
        made = loop.create_future()

        class Serves(asyncio.Protocol):
            def connection_made(self, transport):
                transport.close()
                made.set_result(None)

        server = await loop.create_server(Serves, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()):
            await made
        server.close()

    def told_by(cls):
        told = []
        loop = make(cls, told)
        try:
            run(loop, connect(loop))
        finally:
            loop.close()
        return told

    expected = told_by(asyncio.SelectorEventLoop)
    assert "_accept_connection2" in expected
    assert told_by(getattr(net, "EventLoop", asyncio.SelectorEventLoop)) == expected


CALLS = {
    "get_extra_info": [("sockname",), ("sockname", "other"), ("socket",)],
    "write": [(b"data",)],
    "writelines": [([b"data"],)],
    "write_eof": [()],
    "get_write_buffer_size": [()],
    "pause_reading": [()],
    "is_closing": [()],
}


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, each) for name, calls in CALLS.items() for each in calls]
)
def test_what_patches_a_transports_method_is_told_what_the_caller_gave(
    net, monkeypatch, name, arguments
):
    async def connect(loop):
        made, told = loop.create_future(), []

        class Serves(asyncio.Protocol):
            def connection_made(self, transport):
                made.set_result(transport)

        server = await loop.create_server(Serves, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()):
            transport = await made
            place = next(
                cls
                for cls in asyncio.selector_events._SelectorSocketTransport.__mro__
                if name in vars(cls)
            )
            with monkeypatch.context() as patch:
                patch.setattr(
                    place, name, lambda self, *given, **named: told.append((given, named))
                )
                getattr(transport, name)(*arguments)
            transport.close()
        server.close()
        return told

    def told_by(cls):
        loop = cls()
        try:
            return run(loop, connect(loop))
        finally:
            loop.close()

    expected = told_by(asyncio.SelectorEventLoop)
    assert expected == [(arguments, {})]
    assert told_by(getattr(net, "EventLoop", asyncio.SelectorEventLoop)) == expected
