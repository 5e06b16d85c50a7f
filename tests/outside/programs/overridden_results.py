"""What an override returns, or raises, is what counts: the standard library asks it."""

import contextlib
import io
import os
import socket
import tempfile

from shown import plain, say, tried

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()


def pair(cls, *args):
    a, b = socket.socketpair()
    b.settimeout(0.005)
    return cls(*args, fileno=a.detach()), b


def received(sock):
    try:
        return len(sock.recv(1000))
    except TimeoutError:
        return "nothing"


# sendfile

other, other_end = socket.socketpair()
other_end.settimeout(0.005)


class NonBlocking(socket.socket):
    def gettimeout(self):
        return 0.0


class Elsewhere(socket.socket):
    def fileno(self):
        return other.fileno()


class Datagrams(socket.socket):
    type = socket.SOCK_DGRAM


class Unchecked(socket.socket):
    def _check_sendfile_params(self, file, offset, count):
        say("checks", offset, count)


class GivesUp(socket.socket):
    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        raise socket._GiveupOnSendfile("not today")


class SendsHalf(socket.socket):
    def send(self, data, flags=0):
        return super().send(data[: max(1, len(data) // 2)], flags)


for cls in (NonBlocking, Elsewhere, Datagrams, Unchecked, GivesUp, SendsHalf):
    for what in (file, io.BytesIO(b"x" * 50)):
        a, b = pair(cls)
        tried(f"sendfile {cls.__name__} {type(what).__name__}", a.sendfile, what)
        say("received", received(b), received(other_end), what.tell())
        what.seek(0)
        a.detach() if cls is Elsewhere else a.close()

# accept


class ReadyMade(socket.socket):
    def _accept(self):
        a, b = socket.socketpair()
        self.end = b
        return a.detach(), "its address"


class Refusing(socket.socket):
    def _accept(self):
        raise PermissionError("not this one")


class OfFamily(socket.socket):
    family = socket.AF_UNIX
    type = socket.SOCK_SEQPACKET
    proto = 7


class Timed(socket.socket):
    def gettimeout(self):
        return 3.0


class Endless(socket.socket):
    def gettimeout(self):
        raise ZeroDivisionError("asked for its timeout")


for cls in (ReadyMade, Refusing, OfFamily, Timed, Endless):
    for default in (None, 7.0):
        listener = cls()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(5)
        client = socket.create_connection(listener.getsockname())
        socket.setdefaulttimeout(default)
        try:
            accepted, address = listener.accept()
        except Exception as error:
            say(f"accept {cls.__name__}", type(error).__name__, error)
        else:
            say(
                f"accept {cls.__name__}",
                (accepted.family, accepted.type, accepted.proto, accepted.gettimeout()),
                isinstance(address, tuple) or address,
            )
            accepted.close()
        socket.setdefaulttimeout(None)
        socket.socket.close(listener)
        client.close()

# dup and repr


class Described(socket.socket):
    def getsockname(self):
        return ("its", "name")

    def getpeername(self):
        raise OSError("no peer")

    def fileno(self):
        return 1234

    family = "its family"
    type = "its type"
    proto = 99


sock = Described()
say("repr", repr(sock))
tried("dup", sock.dup)
sock.close()
say("repr", repr(sock))


class NeedsMore(socket.socket):
    def __init__(self, name, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.name = name


a, b = pair(NeedsMore, "its name")
tried("dup", a.dup)
say("name", a.name)
a.close()

# close


class StaysOpen(socket.socket):
    def _real_close(self):
        say("_real_close", "left open")


class CountsItself(socket.socket):
    closes = 0

    def close(self):
        self.closes += 1
        super().close()


class NeverClosed(socket.socket):
    def close(self):
        pass


class Later(socket.socket):
    def _decref_socketios(self):
        say("_decref_socketios", self._io_refs)


for cls in (StaysOpen, CountsItself, NeverClosed, Later):
    a, b = pair(cls)
    with a, a.makefile("rb") as made:
        a.close()
        b.send(b"x")
        say(f"close {cls.__name__}", made.read(1), a._closed, a._io_refs)
    say(f"close {cls.__name__}", a._closed, a._io_refs, a.fileno() == -1)
    say(f"close {cls.__name__}", getattr(a, "closes", None))
    socket.socket._real_close(a)

a, b = pair(socket.socket)
a._io_refs = 2
a.close()
say("two files", a.fileno() != -1)
a._decref_socketios()
say("one file", a.fileno() != -1)
a._decref_socketios()
say("no file", a.fileno() != -1)
a, b = pair(socket.socket)
a._closed = True
with a:
    pass
say("marked as closed", a.fileno() != -1)
a.close()

# recv and recv_into under files


class Early(socket.socket):
    """Returns from its own store before it asks the kernel."""

    store = b"early "

    def recv(self, size, flags=0):
        if self.store:
            data, self.store = self.store[:size], self.store[size:]
            return data
        return super().recv(size, flags)

    def recv_into(self, buffer, nbytes=0, flags=0):
        if self.store:
            data = self.recv(nbytes or len(buffer))
            buffer[: len(data)] = data
            return len(data)
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data, flags=0):
        return super().send(bytes(data).upper(), flags)


a, b = pair(Early)
b.send(b"and late\n")
say("recv", a.recv(3))
with a.makefile("rb") as made, a.makefile("wb") as writes:
    say("readline", made.readline())
    writes.write(b"shout")
    writes.flush()
    say("written", b.recv(10))
    with a.makefile("r", encoding="ascii") as text:
        b.send(b"text\n")
        say("text", text.readline())
    with a.makefile("rwb", buffering=0) as raw:
        say("raw", raw.write(b"more"), b.recv(10))
for value in (None, "five", 5.0, -1, 99):
    a, b = pair(type("Odd", (socket.socket,), {"recv_into": lambda self, *args, v=value: v}))
    with a.makefile("rb", buffering=0) as raw:
        tried(f"recv_into gives {value}", raw.readinto, bytearray(10))
    with a.makefile("rb") as made:
        tried(f"recv_into gives {value}", made.read1, 10)
    a, b = pair(type("Odd", (socket.socket,), {"send": lambda self, *args, v=value: v}))
    with a.makefile("wb", buffering=0) as raw:
        tried(f"send gives {value}", raw.write, b"x")
for error in (BlockingIOError(11, "later"), TimeoutError("too late"), ValueError("odd")):

    def raises(self, *args, error=error):
        raise error

    a, b = pair(type("Raising", (socket.socket,), {"recv_into": raises, "send": raises}))
    with a.makefile("rwb", buffering=0) as raw:
        for call, argument in ((raw.readinto, bytearray(3)), (raw.write, b"x")):
            tried(f"{call.__name__} {error!r}", call, argument)
            tried(f"{call.__name__} {error!r} again", call, argument)

# An instance's own


class Plain(socket.socket):
    """As the standard library's, and with a dict."""


for name, value in {
    "recv_into": lambda buffer: 3,
    "send": lambda data: 3,
    "fileno": lambda: other.fileno(),
    "gettimeout": lambda: 0,
    "_check_sendfile_params": lambda *args: None,
    "_sendfile_use_sendfile": lambda *args: "sent",
    "_real_close": lambda: None,
    "close": lambda: None,
    "_decref_socketios": lambda: None,
    "_accept": lambda: (os.dup(other.fileno()), "an address"),
    "getsockname": lambda: "a name",
    "makefile": lambda *args, **kwargs: io.BytesIO(b"made"),
}.items():
    a, b = pair(Plain)
    setattr(a, name, value)
    number = a.fileno() if name != "fileno" else None
    say(f"instance {name}", received(b), plain(repr(a)))
    with contextlib.suppress(Exception):
        b.send(b"x" * 5)
    with a.makefile("rwb", buffering=0) as raw:
        tried(f"instance {name} readinto", raw.readinto, bytearray(10))
        tried(f"instance {name} write", raw.write, b"x")
        tried(f"instance {name} fileno", lambda raw=raw, a=a: raw.fileno() == a.fileno())
    tried(f"instance {name} sendfile", a.sendfile, file)
    tried(f"instance {name} accept", lambda a=a: a.accept()[1])
    a.close()
    say(f"instance {name}", received(b), received(other_end), socket.socket.fileno(a) == -1)
    socket.socket._real_close(a)
