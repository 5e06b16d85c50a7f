"""What an override sees when it looks up the stack, and the functions that a traceback has.

The tracebacks of what is written in C are those of `tracebacks_of_c`.
"""

import inspect
import io
import selectors
import socket
import sys
import tempfile
import threading
import warnings

from shown import frames, say, stack

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
seen = []
HERE = __file__


def looking(name):
    def override(self, *args, **kwargs):
        # The file of a class is its own; the functions are the standard library's.
        names = [each.partition(":")[2] for each in stack(sys._getframe(1), until="work")]
        seen.append((name, names))
        return getattr(super(type(self), self), name)(*args, **kwargs)

    return override


NAMES = [
    "_accept", "_real_close", "_decref_socketios", "recv_into", "send", "gettimeout", "fileno",
    "_check_sendfile_params", "close", "getsockname", "settimeout",
]  # fmt: skip
Looking = type("Looking", (socket.socket,), {name: looking(name) for name in NAMES})


def work(does):
    a, b = socket.socketpair()
    with Looking(fileno=a.detach()) as sock, b:
        does(sock, b)


def accepting(sock, end):
    with Looking() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()


def reading(sock, end):
    end.send(b"line\n")
    with sock.makefile("rb") as made:
        made.readline()


def reading_raw(sock, end):
    end.send(b"line\n")
    with sock.makefile("rb", buffering=0) as made:
        made.readinto(bytearray(9))


def writing(sock, end):
    with sock.makefile("wb") as made:
        made.write(b"line\n")


def sending_a_file(sock, end):
    sock.sendfile(file)


def sending_what_is_no_file(sock, end):
    sock.sendfile(io.BytesIO(b"x"))


def copying(sock, end):
    sock.dup().close()


def describing(sock, end):
    repr(sock)


for does in (
    accepting, reading, reading_raw, writing, sending_a_file, sending_what_is_no_file, copying,
    describing,
):  # fmt: skip
    seen.clear()
    work(does)
    for name, names in seen:
        say(f"{does.__name__}: {name}", names)

# Tracebacks


def failing(call, *args):
    try:
        call(*args)
    except Exception as error:
        return type(error).__name__, frames(error.__traceback__)[1:]
    return "no exception"


closed = socket.socket()
closed.close()
a, b = socket.socketpair()
a.settimeout(0.01)
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(0.01)
selector = selectors.EpollSelector()
selector.register(b, selectors.EVENT_READ)
raw = a.makefile("rb", buffering=0)
closed_raw = a.makefile("rb", buffering=0)
closed_raw.close()
for label, call, *args in (
    ("accept of a closed socket", closed.accept),
    ("accept times out", listener.accept),
    ("readinto times out", raw.readinto, bytearray(1)),
    ("readinto of a closed file", closed_raw.readinto, bytearray(1)),
    ("readline of a file", a.makefile("rb").readline),
    ("create_connection refused", socket.create_connection, ("127.0.0.1", 1), 5),
    ("create_server twice", socket.create_server, listener.getsockname()),
    ("getaddrinfo", socket.getaddrinfo, "127.0.0.1", 80, 0, 99),
    ("makefile", a.makefile, "x"),
    ("dup of a closed socket", closed.dup),
    ("sendfile of a closed socket", closed.sendfile, file),
    ("register twice", selector.register, b, selectors.EVENT_READ),
    ("register nothing", selector.register, None, selectors.EVENT_READ),
    ("unregister what is not", selector.unregister, a),
    ("modify what is not", selector.modify, a, selectors.EVENT_READ),
    ("select", selector.select, "soon"),
    ("socket", socket.socket, -5),
    ("socketpair", socket.socketpair, -5),
):
    result = failing(call, *args)
    # Which helper it comes from is the standard library's affair: the function called counts.
    say(label, result[0], result[1][:1])

# warnings.warn(stacklevel=2) in an override names the caller.


class Warns(socket.socket):
    def gettimeout(self):
        warnings.warn("asked", stacklevel=2)
        return super().gettimeout()

    def send(self, data, flags=0):
        warnings.warn("sends", stacklevel=3)
        return super().send(data)


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    sock = Warns(fileno=a.detach())
    sock.gettimeout()
    with sock.makefile("wb", buffering=0) as made:
        made.write(b"x")
    for each in caught:
        where = inspect.getmodulename(each.filename)
        say("warning", str(each.message), each.filename == HERE, where)


def on_another_thread():
    try:
        closed.accept()
    except OSError as error:
        say("on a thread", frames(error.__traceback__))


thread = threading.Thread(target=on_another_thread)
thread.start()
thread.join()
