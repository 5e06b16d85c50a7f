"""Tools that put another `__code__` into a function, as APM agents do: every call is theirs.

The new code calls a copy of the old one.
"""

import asyncio
import contextlib
import selectors
import socket
import socketserver
import tempfile
import types

from shown import Log, outcome, say

called = Log()


def instrumented(name, copy):
    """The code of a function that notes *name*, and then calls *copy*."""

    def call(*args, **kwargs):
        note = "NOTE"
        original = "ORIGINAL"
        note()
        return original(*args, **kwargs)

    values = {"NOTE": lambda: called.append(name), "ORIGINAL": copy}
    constants = [
        values.get(each, each) if isinstance(each, str) else each
        for each in call.__code__.co_consts
    ]
    return call.__code__.replace(co_consts=tuple(constants), co_name=copy.__code__.co_name)


@contextlib.contextmanager
def replaced(name, function):
    before = function.__code__
    copy = types.FunctionType(
        before, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    function.__code__ = instrumented(name, copy)
    defaults = function.__defaults__, function.__kwdefaults__
    # The arguments are passed on as they came: the copy has the defaults.
    try:
        yield
    finally:
        function.__code__ = before
        function.__defaults__, function.__kwdefaults__ = defaults


file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()


def connect_and_accept():
    with socket.create_connection(address) as client, listener.accept()[0] as server:
        return type(client).__name__, type(server).__name__


def pair_and_copies():
    a, b = socket.socketpair()
    with a, b, a.dup() as other:
        return other.family.name


def files():
    a, b = socket.socketpair()
    with a, b:
        with a.makefile("rwb") as one, b.makefile("rwb", buffering=0) as other:
            other.write(b"line\n")
            line = one.readline()
            one.write(b"another\n")
            one.flush()
            return line, other.readline()


def sending_a_file():
    a, b = socket.socketpair()
    with a, b:
        return a.sendfile(file), len(b.recv(1000))


def selecting():
    a, b = socket.socketpair()
    with a, b, selectors.EpollSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        a.send(b"1")
        ready = len(selector.select(1))
        selector.modify(b, selectors.EVENT_WRITE)
        selector.unregister(b)
        return ready


def names():
    return len(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))


def callbacks():
    done = []
    loop = asyncio.new_event_loop()
    loop.call_soon(done.append, "soon")
    loop.call_later(0.001, done.append, "later")
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    return done


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        return line


def streams():
    return asyncio.run(echo())


def a_server():
    server = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
    with server, socket.create_connection(server.server_address):
        server.handle_request()


for does, *functions in (
    (connect_and_accept, "socket.socket.accept", "socket.socket.close", "socket.socket.__init__"),
    (connect_and_accept, "socket.create_connection", "socket.socket._real_close"),
    (connect_and_accept, "socket.socket.__exit__", "socket.socket.__enter__"),
    (connect_and_accept, "socket.getaddrinfo", "socket._intenum_converter"),
    (pair_and_copies, "socket.socketpair", "socket.socket.dup"),
    (files, "socket.socket.makefile", "socket.SocketIO.__init__", "socket.SocketIO.readinto"),
    (files, "socket.SocketIO.write", "socket.SocketIO.readable", "socket.SocketIO.close"),
    (files, "socket.socket._decref_socketios"),
    (sending_a_file, "socket.socket.sendfile", "socket.socket._sendfile_use_sendfile"),
    (sending_a_file, "socket.socket._check_sendfile_params", "selectors.PollSelector.select"),
    (selecting, "selectors.EpollSelector.select", "selectors.EpollSelector.close"),
    (selecting, "selectors.EpollSelector.modify", "selectors.EpollSelector._fileobj_lookup"),
    (selecting, "selectors._fileobj_to_fd", "selectors.EpollSelector.__init__"),
    (names, "socket.getaddrinfo"),
    (callbacks, "asyncio.Handle._run", "selectors.EpollSelector.select"),
    (callbacks, "asyncio.BaseEventLoop._run_once", "asyncio.TimerHandle.__init__"),
    (callbacks, "asyncio.BaseEventLoop.call_soon", "asyncio.BaseEventLoop.call_later"),
    (streams, "asyncio.BaseEventLoop.create_task", "socket.socket.accept"),
    (streams, "asyncio.SelectorEventLoop._process_events"),
    (streams, "asyncio.SelectorEventLoop._add_callback"),
    (streams, "socket.socket.__init__", "socket.socket.close"),
    (a_server, "socketserver.BaseServer.handle_request", "socket.socket.accept"),
):
    for name in functions:
        place = {"socket": socket, "selectors": selectors, "asyncio": asyncio}
        place["socketserver"] = socketserver
        module, *path = name.split(".")
        function = place[module]
        for part in path:
            function = getattr(function, part)
        if getattr(function, "__closure__", None):
            say(f"{does.__name__}: {name}", "has a closure")
            continue
        try:
            with replaced(name, function):
                result = outcome(does)
        except Exception as error:
            result = f"cannot be replaced: {error}"
        # How often it is called may depend on what comes first on a connection.
        say(f"{does.__name__}: {name}", result, sorted(set(called.taken())))
