"""`SocketIO`: what a subclass overrides is asked, and a file is closed however it was closed."""

import io
import socket

from shown import Log, outcome, say, tried

called = Log()
NAMES = [
    "_checkClosed", "_checkReadable", "_checkWritable", "_checkSeekable", "readable", "writable",
    "seekable", "fileno", "close", "readinto", "write", "read", "readall", "flush", "__enter__",
    "__exit__", "__init__",
]  # fmt: skip
PROPERTIES = ["closed", "name", "mode"]
a, b = socket.socketpair()
a.settimeout(0.005)
b.settimeout(0.005)


def overriding(name):
    if name in PROPERTIES:

        def get(self):
            called.append(name)
            return getattr(super(type(self), self), name)

        return property(get)

    def method(self, *args, **kwargs):
        called.append(name)
        return getattr(super(type(self), self), name)(*args, **kwargs)

    return method


def raw(cls):
    with cls(a, "rwb") as made:
        b.send(b"in")
        return made.readinto(bytearray(5)), made.write(b"out"), b.recv(5)


def raw_read(cls):
    made = cls(a, "rb")
    b.send(b"in")
    got = made.read(5), outcome(made.readinto, bytearray(1)), outcome(made.write, b"x")
    made.close()
    closed = outcome(made.readinto, bytearray(1)), outcome(made.write, b"x"), outcome(made.fileno)
    return got, closed


def raw_write(cls):
    made = cls(a, "wb")
    got = made.write(b"out"), outcome(made.readinto, bytearray(1)), b.recv(5)
    made.close()
    made.close()
    return got, outcome(lambda: made.name), outcome(made.readable), outcome(made.seekable)


def buffered(cls):
    with io.BufferedReader(cls(a, "rb")) as reader:
        b.send(b"line\n")
        return reader.readline()


def buffered_write(cls):
    with io.BufferedWriter(cls(a, "wb")) as writer:
        writer.write(b"line\n")
        writer.flush()
        return b.recv(10)


def text(cls):
    with io.TextIOWrapper(io.BufferedReader(cls(a, "rb")), "ascii") as reader:
        b.send(b"line\n")
        return reader.readline()


for work in (raw, raw_read, raw_write, buffered, buffered_write, text):
    for name in NAMES + PROPERTIES:
        cls = type("Overriding", (socket.SocketIO,), {name: overriding(name)})
        result = outcome(work, cls)
        # Finalisers close once more, when they please.
        say(f"{work.__name__}: {name}", result, called.taken())

# What they answer counts.

for name, answer in {
    "readable": lambda self: False,
    "writable": lambda self: False,
    "closed": property(lambda self: True),
    "_checkClosed": lambda self: None,
    "_checkReadable": lambda self: None,
    "_checkWritable": lambda self: None,
    "fileno": lambda self: 12345,
}.items():
    for mode in ("rwb", "rb", "wb"):
        cls = type("Answering", (socket.SocketIO,), {name: answer})
        made = cls(a, mode)
        b.send(b"in")
        tried(f"{name} {mode} readinto", made.readinto, bytearray(5))
        tried(f"{name} {mode} write", made.write, b"out")
        tried(f"{name} {mode} read", made.read, 5)
        tried(f"{name} {mode} name", lambda made=made: made.name == a.fileno())
        tried("left", lambda: (outcome(a.recv, 9), outcome(b.recv, 9)))

# Closed in other ways than by its own close().


class LeavesTheSocketOpen(socket.SocketIO):
    def close(self):
        io.RawIOBase.close(self)


for cls, close in (
    (LeavesTheSocketOpen, lambda made: made.close()),
    (socket.SocketIO, io.RawIOBase.close),
    (socket.SocketIO, io.IOBase.close),
    (socket.SocketIO, socket.SocketIO.close),
):
    made = cls(a, "rwb")
    close(made)
    b.send(b"in")
    tried("closed: readinto", made.readinto, bytearray(5))
    tried("closed: write", made.write, b"out")
    tried("closed: read", made.read, 5)
    tried("closed: readable", made.readable)
    tried("closed: fileno", made.fileno)
    tried("closed: name", lambda made=made: made.name)
    tried("closed: repr", lambda made=made: "SocketIO" in repr(made) or type(made).__name__)
    tried("left", lambda: (outcome(a.recv, 9), outcome(b.recv, 9)))

# By keyword, and with other sockets under it.

made = a.makefile("rwb", buffering=0)
tried("write by keyword", lambda: made.write(b=b"data"))
tried("readinto by keyword", lambda: made.readinto(b=bytearray(3)))
tried("left", lambda: outcome(b.recv, 9))


class NoSocket:
    def recv_into(self, buffer):
        called.append("recv_into")
        buffer[:2] = b"hi"
        return 2

    def send(self, data):
        called.append("send")
        return len(data)

    def fileno(self):
        called.append("fileno")
        return -7

    def _decref_socketios(self):
        called.append("_decref_socketios")


made = socket.SocketIO(NoSocket(), "rwb")
tried("on no socket", made.readinto, bytearray(4))
tried("on no socket", made.write, b"data")
tried("on no socket", made.fileno)
tried("on no socket", lambda: made.name)
tried("on no socket", made.close)
say("on no socket", called.taken())
made = a.makefile("rwb", buffering=0)
made._sock = NoSocket()
tried("its socket replaced", made.readinto, bytearray(4))
tried("its socket replaced", made.write, b"data")
say("its socket replaced", called.taken())
made = socket.SocketIO(a, "rwb")
made._reading = False
tried("_reading", made.readable)
tried("_reading", made.readinto, bytearray(4))
made._writing = False
tried("_writing", made.write, b"x")
made = socket.SocketIO(a, "rb")
made._timeout_occurred = True
tried("_timeout_occurred", made.readinto, bytearray(4))
made._timeout_occurred = False
tried("a timeout", made.readinto, bytearray(4))
say("a timeout", made._timeout_occurred)
tried("after a timeout", made.readinto, bytearray(4))
for mode in ("x", "", "rw", "w", None, 5):
    tried(f"mode {mode!r}", lambda mode=mode: socket.SocketIO(a, mode).mode)
made = socket.SocketIO(a, "rb")
made.recent = "its own attribute"
say("attributes", sorted(vars(made)))
