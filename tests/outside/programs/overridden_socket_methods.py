"""A subclass overrides each method, one at a time: what called it in `socket` still calls it."""

import contextlib
import io
import os
import socket
import tempfile

from shown import Log, outcome, say

called = Log()
METHODS = [
    "_accept", "_check_sendfile_params", "_decref_socketios", "_real_close", "_sendfile_use_send",
    "_sendfile_use_sendfile", "__enter__", "__exit__", "__init__", "accept", "bind", "close",
    "connect", "connect_ex", "detach", "dup", "fileno", "get_inheritable", "getblocking",
    "getpeername", "getsockname", "getsockopt", "gettimeout", "listen", "makefile", "recv",
    "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "send", "sendall",
    "sendfile", "sendmsg", "sendto", "set_inheritable", "setblocking", "setsockopt", "settimeout",
    "shutdown",
]  # fmt: skip
PROPERTIES = ["family", "type", "proto", "timeout", "_closed", "_io_refs"]


def overriding(name):
    if name in ("_closed", "_io_refs"):
        slot = getattr(socket.socket, name)

        def get(self):
            called.append(name)
            return slot.__get__(self)

        def put(self, value):
            called.append(f"{name}=")
            slot.__set__(self, value)

        return property(get, put)
    if name in PROPERTIES:

        def inherited(self):
            called.append(name)
            return getattr(super(type(self), self), name)

        return property(inherited)

    def method(self, *args, **kwargs):
        called.append(name)
        return getattr(super(type(self), self), name)(*args, **kwargs)

    return method


def class_overriding(*names):
    return type("Overriding", (socket.socket,), {name: overriding(name) for name in names})


file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()


def pair(cls):
    """One of the class, and a plain one."""
    a, b = socket.socketpair()
    return cls(fileno=a.detach()), b


def listening_and_accepting(cls):
    listener = cls()
    with listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                return type(accepted) is socket.socket


def accepting_with_timeout(cls):
    with cls() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(5)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                return accepted.gettimeout()


def copying(cls):
    a, b = pair(cls)
    with a, b, a.dup() as other:
        return type(other) is cls


def detaching(cls):
    a, b = pair(cls)
    os.close(a.detach())
    b.close()
    return a.fileno()


def reading_a_file(cls):
    a, b = pair(cls)
    with a, b, a.makefile("rb") as made:
        b.send(b"line\nmore")
        return made.readline(), made.read(4)


def writing_a_file(cls):
    a, b = pair(cls)
    with a, b, a.makefile("wb") as made:
        made.write(b"line\n")
        made.flush()
        return b.recv(10)


def raw_files(cls):
    a, b = pair(cls)
    with a, b, a.makefile("rwb", buffering=0) as made:
        made.write(b"one")
        b.send(b"two")
        return b.recv(10), made.readinto(bytearray(5)), made.fileno() == a.fileno(), made.name > 0


def file_outlives_socket(cls):
    a, b = pair(cls)
    with b:
        made = a.makefile("rb")
        a.close()
        b.send(b"line\n")
        line = made.readline()
        made.close()
        return line, a.fileno()


def reading_with_timeout(cls):
    a, b = pair(cls)
    with a, b, a.makefile("rb", buffering=0) as made:
        a.settimeout(0.01)
        return outcome(made.readinto, bytearray(1)), outcome(made.readinto, bytearray(1))


def reading_nonblocking(cls):
    a, b = pair(cls)
    with a, b, a.makefile("rwb", buffering=0) as made:
        a.setblocking(False)
        return made.readinto(bytearray(1)), made.write(b"x")


def sending_a_file(cls):
    a, b = pair(cls)
    with a, b:
        return a.sendfile(file), len(b.recv(1000))


def sending_a_file_with_timeout(cls):
    a, b = pair(cls)
    with a, b:
        a.settimeout(5)
        return a.sendfile(file, 10, 50), len(b.recv(1000))


def sending_what_is_no_file(cls):
    a, b = pair(cls)
    with a, b:
        return a.sendfile(io.BytesIO(b"x" * 50), 10), len(b.recv(1000))


def sending_a_file_wrongly(cls):
    a, b = pair(cls)
    with a, b:
        return outcome(a.sendfile, file, 0, -1), outcome(a.sendfile, io.StringIO("x"))


def describing(cls):
    a, b = pair(cls)
    with a, b:
        return "Overriding" in repr(a)


def inheritable(cls):
    a, b = pair(cls)
    with a, b:
        a.set_inheritable(True)
        return a.get_inheritable()


def modes(cls):
    a, b = pair(cls)
    with a, b:
        a.setblocking(False)
        a.settimeout(3)
        return a.getblocking(), a.gettimeout()


def transfers(cls):
    a, b = pair(cls)
    with a, b:
        a.sendall(b"12")
        a.sendmsg([b"34"])
        b.sendall(b"1234567")
        got = a.recv(1), a.recv_into(bytearray(1)), a.recvmsg(1)[0], a.recvfrom(1)[0]
        return got, a.recvmsg_into([bytearray(1)])[0], a.recvfrom_into(bytearray(1))[0]


def descriptors(cls):
    a, b = pair(cls)
    with a, b:
        socket.send_fds(a, [b"x"], [file.fileno()])
        data, fds, _, _ = socket.recv_fds(b, 10, 1)
        socket.send_fds(b, [b"x"], fds)
        data, more, _, _ = socket.recv_fds(a, 10, 1)
        for fd in fds + more:
            os.close(fd)
        return data, len(more)


@contextlib.contextmanager
def as_the_class(cls):
    before = socket.socket
    socket.socket = cls
    try:
        yield
    finally:
        socket.socket = before


def made_by_the_module(cls):
    with as_the_class(cls), socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 5) as client:
            accepted, _ = listener.accept()
            with accepted:
                return [type(each) is cls for each in (listener, client, accepted)]


def pair_made_by_the_module(cls):
    with as_the_class(cls):
        a, b = socket.socketpair()
        with a, b, socket.fromfd(a.fileno(), a.family, a.type) as c:
            return [type(each) is cls for each in (a, b, c)]


def failing_to_connect(cls):
    with as_the_class(cls):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 1), 5)


WORK = [
    listening_and_accepting, accepting_with_timeout, copying, detaching, reading_a_file,
    writing_a_file, raw_files, file_outlives_socket, reading_with_timeout, reading_nonblocking,
    sending_a_file, sending_a_file_with_timeout, sending_what_is_no_file, sending_a_file_wrongly,
    describing, inheritable, modes, transfers, descriptors, made_by_the_module,
    pair_made_by_the_module, failing_to_connect,
]  # fmt: skip
for work in WORK:
    for name in METHODS + PROPERTIES:
        result = outcome(work, class_overriding(name))
        say(f"{work.__name__}: {name}", result, called.taken())

# All at once, in the order in which they are called; the slots apart, they are of the class's own.

for work in WORK:
    result = outcome(work, class_overriding(*METHODS, *PROPERTIES[:4]))
    say(f"{work.__name__}: all", result, called.taken())
