"""Tools that copy a function by its `__code__`: the copy works as the function does."""

import selectors
import socket
import tempfile
import types

from shown import python_functions, say, tried


def copied(function, **changes):
    code = function.__code__.replace(**changes)
    copy = types.FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# Each is called without arguments, and then with what it does not expect.

for name, value in python_functions():
    if isinstance(value, types.FunctionType):
        say(name, "copies")
        tried(f"{name}()", copied(value, co_name="copy"))
        tried(f"{name}(8 objects)", copied(value), *[object()] * 8)
        bare = types.FunctionType(value.__code__, {}, closure=value.__closure__)
        tried(f"{name} without its globals", bare)
    else:
        say(name, f"is a {type(value).__name__}")

# And some do their work.

accept = copied(socket.socket.accept)
close = copied(socket.socket.close)
makefile = copied(socket.socket.makefile)
sendfile = copied(socket.socket.sendfile)
dup = copied(socket.socket.dup)
create_connection = copied(socket.create_connection)
create_server = copied(socket.create_server)
getaddrinfo = copied(socket.getaddrinfo)
socketpair = copied(socket.socketpair)

with create_server(("127.0.0.1", 0)) as listener:
    client = create_connection(listener.getsockname())
    server, address = accept(listener)
    say("accept", type(server).__name__, address == client.getsockname())
    client.send(b"line\nand more")
    with makefile(server, "rb") as file:
        say("makefile", file.readline())
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100)
        file.flush()
        say("sendfile", sendfile(client, file))
    for sock in (client, server):
        other = dup(sock)
        close(other)
        close(sock)
        say("close", sock.fileno(), other.fileno())
say("getaddrinfo", getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))

a, b = socketpair()
readinto = copied(socket.SocketIO.readinto)
write = copied(socket.SocketIO.write)
raw = a.makefile("rwb", buffering=0)
other = b.makefile("rwb", buffering=0)
say("write", write(raw, b"abc"))
buffer = bytearray(5)
say("readinto", readinto(other, buffer), bytes(buffer))

selector = selectors.EpollSelector()
register = copied(selectors.EpollSelector.register)
select = copied(selectors.EpollSelector.select)
modify = copied(selectors.EpollSelector.modify)
unregister = copied(selectors.EpollSelector.unregister)
say("register", register(selector, b, selectors.EVENT_READ, "data").data)
a.send(b"1")
say("select", [(key.data, events) for key, events in select(selector, 1)])
say("modify", modify(selector, b, selectors.EVENT_WRITE).events)
say("unregister", unregister(selector, b).fd == b.fileno())
