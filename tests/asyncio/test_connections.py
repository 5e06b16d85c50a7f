"""EventLoop makes and loses the connection of a server as asyncio's own loop does, in C."""

import asyncio
import contextlib
import functools
import gc
import socket
import weakref

import pytest
from support.loops import run

CLIENTS = 3


class Recording(asyncio.Protocol):
    """Keeps the transport that it had, and what it was told."""

    def __init__(self, made):
        self.made = made
        made.append(self)

    def connection_made(self, transport):
        self.transport = transport
        self.sock = transport.get_extra_info("socket")
        self.peername = transport.get_extra_info("peername")
        self.sockname = transport.get_extra_info("sockname")

    def connection_lost(self, error):
        self.error = error
        self.lost.set_result(None)


async def accept(loop, listener, look):
    """Let clients connect; return what *look* says of the transport of each."""
    made, found = [], []
    server = await loop.create_server(functools.partial(Recording, made), sock=listener)
    address = listener.getsockname()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(CLIENTS)]
        names = [client.getsockname() for client in clients]
        while len(made) < CLIENTS or not all(hasattr(each, "transport") for each in made):
            await asyncio.sleep(0.001)
        for protocol in made:
            protocol.lost = loop.create_future()
            assert names.count(protocol.peername) == 1
            assert protocol.sockname == address
            found.append(look(protocol.transport))
            protocol.transport.close()
            await protocol.lost
            assert protocol.error is None
    server.close()
    await server.wait_closed()
    return found


def state_of(transport):
    sock = transport.get_extra_info("socket")
    return (
        type(sock._sock).__name__,
        sock.gettimeout(),
        sock.get_inheritable(),
        sock.family,
        sock.type,
        sock.proto,
        sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        transport._loop._transports[sock.fileno()] is transport,
    )


@pytest.fixture(params=["own", "standard"])
def make_listener(request, pysock):
    module = pysock if request.param == "own" else socket
    return lambda: module.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_the_socket_of_a_connection(pysock, make_listener, timeout):
    """Non-blocking, whatever the default timeout is."""
    found = []
    socket.setdefaulttimeout(timeout)
    try:
        for new_loop in asyncio.SelectorEventLoop, pysock.EventLoop:
            with contextlib.closing(new_loop()) as loop, make_listener() as listener:
                found.append(run(loop, accept(loop, listener, state_of)))
    finally:
        socket.setdefaulttimeout(None)
    assert found[0] == found[1]


def test_a_replaced_class_of_sockets(pysock, monkeypatch):
    class Socket(socket.socket):
        def setblocking(self, flag):
            self.told = flag
            super().setblocking(flag)

    def look(transport):
        sock = transport.get_extra_info("socket")._sock
        return type(sock) is Socket, sock.told

    listener = socket.create_server(("127.0.0.1", 0))
    with contextlib.closing(pysock.EventLoop()) as loop, listener:
        monkeypatch.setattr(socket, "socket", Socket)
        assert run(loop, accept(loop, listener, look)) == [(True, False)] * CLIENTS


@pytest.mark.parametrize("name", ["setblocking", "close", "getsockname", "_real_close"])
def test_a_patched_method_of_the_socket(pysock, make_listener, monkeypatch, name):
    """It is called for each connection as often as asyncio's own loop calls it."""
    counts = []
    for new_loop in asyncio.SelectorEventLoop, pysock.EventLoop:
        with contextlib.closing(new_loop()) as loop, make_listener() as listener:
            connection = type(listener)
            original = getattr(connection, name)
            called = []

            def patched(self, *arguments, original=original, called=called):
                called.append(self)
                return original(self, *arguments)

            with monkeypatch.context() as patch:
                patch.setattr(connection, name, patched)
                run(loop, accept(loop, listener, lambda transport: None))
            counts.append(sum(each is not listener for each in called))
    assert counts[0] == counts[1] > 0


def test_a_replaced_map_of_transports(pysock):
    listener = socket.create_server(("127.0.0.1", 0))
    with contextlib.closing(pysock.EventLoop()) as loop, listener:
        loop._transports = kept = {}
        run(loop, accept(loop, listener, lambda transport: None))
    assert kept


def test_a_closed_transport_is_released(c_loop):
    """Without the garbage collector, which a server with many connections would wait for."""

    async def main():
        references = []
        made = []
        server = await c_loop.create_server(functools.partial(Recording, made), "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()):
            while not made or not hasattr(made[0], "transport"):
                await asyncio.sleep(0.001)
            made[0].lost = c_loop.create_future()
            references.append(weakref.ref(made[0].transport))
            made[0].transport.close()
            await made[0].lost
            del made[0].transport
            await asyncio.sleep(0.01)
        server.close()
        return references[0]() is None and not c_loop._transports

    gc.disable()
    try:
        assert c_loop.run_until_complete(main())
    finally:
        gc.enable()


def test_a_closed_transport_that_is_read_from(any_loop):
    """Nothing happens, as on asyncio's own."""
    left, right = socket.socketpair()
    left.setblocking(False)

    async def main():
        transport, _ = await any_loop.create_connection(asyncio.Protocol, sock=left)
        transport.close()
        transport.close()
        with contextlib.suppress(TypeError):  # since Python 3.12 a closed transport has no callback
            transport._read_ready()
        await asyncio.sleep(0.01)
        return transport.get_extra_info("socket").fileno()

    with left, right:
        assert any_loop.run_until_complete(main()) == -1
