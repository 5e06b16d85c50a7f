"""A name that somebody replaced is what the standard library's functions find there.

Each line says what was called in its place while one thing was done.
"""

import _socket
import array
import contextlib
import io
import os
import selectors
import socket
import tempfile
from unittest import mock

from shown import Log, outcome, plain, say

called = Log()


class Guarded(Exception):
    pass


def spied(where, name):
    """In its place, something that notes the call and does the same."""
    original = getattr(where, name)

    def spy(*args, **kwargs):
        called.append(name)
        return original(*args, **kwargs)

    return mock.patch.object(where, name, spy)


def guarded(where, name):
    def guard(*args, **kwargs):
        raise Guarded(name)

    return mock.patch.object(where, name, guard)


def subclassed(where, name):
    """In its place, a subclass that notes each time one is made."""
    original = getattr(where, name)

    def __init__(self, *args, **kwargs):
        called.append(f"{name}()")
        original.__init__(self, *args, **kwargs)

    return mock.patch.object(where, name, type(name, (original,), {"__init__": __init__}))


file = tempfile.TemporaryFile()
file.write(bytes(range(100)))
file.flush()
listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()


def connected():
    client = socket.create_connection(address)
    server, _ = listener.accept()
    return client, server


def accept():
    with socket.create_connection(address):
        sock, _ = listener.accept()
        with sock:
            return sock.family.name


def dup():
    with socket.socket() as sock, sock.dup() as other:
        return type(other).__name__


def fromfd():
    with socket.socket() as sock, socket.fromfd(sock.fileno(), sock.family, sock.type) as other:
        return type(other).__name__


def by_fileno():
    a, b = socket.socketpair()
    with b, socket.socket(fileno=a.detach()) as sock:
        return sock.family.name, sock.type.name


def socketpair():
    a, b = socket.socketpair()
    with a, b:
        return type(a).__name__


def create_connection():
    with socket.create_connection(("localhost", address[1]), 5) as sock:
        listener.accept()[0].close()
        return type(sock).__name__


def create_connection_to_a_number():
    with socket.create_connection(address) as sock:
        listener.accept()[0].close()
        return type(sock).__name__


def create_server():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return type(sock).__name__


def makefile(mode="rb", **options):
    def makes():
        a, b = socket.socketpair()
        with a, b, a.makefile(mode, **options) as made:
            return type(made).__name__

    makes.__name__ = f"makefile {mode} {options}"
    return makes


def read_line():
    a, b = socket.socketpair()
    with a, b, b.makefile("rb") as made:
        a.send(b"line\n")
        return made.readline()


def sendfile():
    a, b = socket.socketpair()
    with a, b:
        return a.sendfile(file), len(b.recv(1000))


def sendfile_with_timeout():
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(5)
        return a.sendfile(file, 10, 20), len(b.recv(1000))


def sendfile_of_what_is_no_file():
    a, b = socket.socketpair()
    with a, b:
        return a.sendfile(io.BytesIO(bytes(50))), len(b.recv(1000))


def inheritable():
    with socket.socket() as sock:
        sock.set_inheritable(True)
        return sock.get_inheritable()


def close():
    sock = socket.socket()
    sock.close()
    return sock.fileno()


def describe():
    with socket.socket() as sock:
        return plain(repr(sock))


def getaddrinfo():
    return plain(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))


def getaddrinfo_of_a_name():
    return len(socket.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM))


def getfqdn():
    return bool(socket.getfqdn())


def descriptors():
    a, b = socket.socketpair()
    with a, b:
        socket.send_fds(a, [b"x"], [file.fileno()])
        data, fds, flags, _ = socket.recv_fds(b, 10, 1)
        for fd in fds:
            os.close(fd)
        return data, len(fds)


def selecting():
    a, b = socket.socketpair()
    with a, b, selectors.EpollSelector() as selector:
        key = selector.register(b, selectors.EVENT_READ, "data")
        a.send(b"1")
        ready = selector.select(5)
        selector.modify(b, selectors.EVENT_WRITE)
        key2 = selector.get_key(b)
        selector.unregister(b)
        return type(key).__name__, key.data, len(ready), ready[0][1], key2.events


def dualstack():
    return socket.has_dualstack_ipv6()


LOOKUPS = [
    (accept, spied, socket, "getdefaulttimeout"),
    (accept, subclassed, socket, "socket"),
    (accept, spied, socket, "_intenum_converter"),
    (dup, spied, socket, "dup"),
    (dup, guarded, socket, "dup"),
    (dup, spied, os, "dup"),
    (fromfd, spied, socket, "dup"),
    (fromfd, subclassed, socket, "socket"),
    (by_fileno, spied, socket, "_intenum_converter"),
    (by_fileno, guarded, socket, "_intenum_converter"),
    (socketpair, spied, _socket, "socketpair"),
    (socketpair, guarded, _socket, "socketpair"),
    (socketpair, subclassed, socket, "socket"),
    (create_connection, spied, socket, "getaddrinfo"),
    (create_connection, guarded, socket, "getaddrinfo"),
    (create_connection, spied, _socket, "getaddrinfo"),
    (create_connection, subclassed, socket, "socket"),
    (create_connection_to_a_number, spied, socket, "getaddrinfo"),
    (create_connection_to_a_number, guarded, socket, "getaddrinfo"),
    (create_connection_to_a_number, guarded, _socket, "getaddrinfo"),
    (create_connection_to_a_number, guarded, socket, "socket"),
    (create_server, subclassed, socket, "socket"),
    (create_server, guarded, socket, "socket"),
    (makefile(), subclassed, socket, "SocketIO"),
    (makefile(), guarded, socket, "SocketIO"),
    (makefile(buffering=0), subclassed, socket, "SocketIO"),
    (makefile(), subclassed, io, "BufferedReader"),
    (makefile("wb"), subclassed, io, "BufferedWriter"),
    (makefile("rwb"), subclassed, io, "BufferedRWPair"),
    (makefile("r"), subclassed, io, "TextIOWrapper"),
    (makefile("r"), spied, io, "text_encoding"),
    (read_line, subclassed, socket, "SocketIO"),
    (read_line, guarded, socket.SocketIO, "readinto"),
    (read_line, spied, socket.SocketIO, "readinto"),
    (read_line, spied, socket.SocketIO, "_checkClosed"),
    (read_line, spied, socket.SocketIO, "_checkReadable"),
    (read_line, spied, socket.SocketIO, "readable"),
    (read_line, spied, socket.socket, "recv_into"),
    (read_line, spied, socket.socket, "_decref_socketios"),
    (sendfile, spied, os, "sendfile"),
    (sendfile, guarded, os, "sendfile"),
    (sendfile, spied, os, "fstat"),
    (sendfile, guarded, os, "fstat"),
    (sendfile, subclassed, selectors, "PollSelector"),
    (sendfile, guarded, selectors, "PollSelector"),
    (sendfile, spied, socket.socket, "_check_sendfile_params"),
    (sendfile, spied, socket.socket, "_sendfile_use_sendfile"),
    (sendfile, spied, socket.socket, "gettimeout"),
    (sendfile, spied, socket.socket, "fileno"),
    (sendfile_with_timeout, spied, os, "sendfile"),
    (sendfile_with_timeout, guarded, os, "sendfile"),
    (sendfile_with_timeout, spied, socket.socket, "gettimeout"),
    (sendfile_with_timeout, spied, socket.socket, "fileno"),
    (sendfile_with_timeout, guarded, selectors.PollSelector, "select"),
    (sendfile_of_what_is_no_file, spied, os, "sendfile"),
    (sendfile_of_what_is_no_file, spied, socket.socket, "_sendfile_use_send"),
    (sendfile_of_what_is_no_file, spied, socket.socket, "_check_sendfile_params"),
    (sendfile_of_what_is_no_file, spied, socket.socket, "send"),
    (inheritable, spied, os, "get_inheritable"),
    (inheritable, guarded, os, "set_inheritable"),
    (close, spied, socket.socket, "_real_close"),
    (close, guarded, socket.socket, "_real_close"),
    (describe, spied, socket.socket, "getsockname"),
    (describe, spied, socket.socket, "fileno"),
    (describe, spied, socket, "_intenum_converter"),
    (accept, spied, socket.socket, "_accept"),
    (accept, guarded, socket.socket, "_accept"),
    (accept, spied, socket.socket, "gettimeout"),
    (accept, spied, socket.socket, "close"),
    (accept, spied, socket.socket, "__init__"),
    (dup, spied, socket.socket, "gettimeout"),
    (dup, spied, socket.socket, "settimeout"),
    (dup, spied, socket.socket, "fileno"),
    (getaddrinfo, spied, _socket, "getaddrinfo"),
    (getaddrinfo, guarded, _socket, "getaddrinfo"),
    (getaddrinfo, spied, socket, "_intenum_converter"),
    (getaddrinfo_of_a_name, spied, _socket, "getaddrinfo"),
    (getaddrinfo_of_a_name, guarded, _socket, "getaddrinfo"),
    (getfqdn, spied, socket, "gethostname"),
    (getfqdn, spied, socket, "gethostbyaddr"),
    (descriptors, subclassed, array, "array"),
    (selecting, spied, selectors, "SelectorKey"),
    (selecting, guarded, selectors, "SelectorKey"),
    (selecting, spied, selectors, "_fileobj_to_fd"),
    (selecting, guarded, selectors, "_fileobj_to_fd"),
    (selecting, guarded, selectors.EpollSelector, "_selector_cls"),
    (selecting, spied, selectors.EpollSelector, "_selector_cls"),
    (selecting, spied, selectors.EpollSelector, "_fileobj_lookup"),
    (selecting, spied, selectors.EpollSelector, "register"),
    (selecting, spied, selectors.EpollSelector, "select"),
    (selecting, spied, selectors.EpollSelector, "modify"),
    (selecting, spied, selectors.EpollSelector, "unregister"),
    (selecting, spied, selectors._BaseSelectorImpl, "register"),
    (selecting, spied, selectors._BaseSelectorImpl, "unregister"),
    (selecting, guarded, selectors.select, "epoll"),
    (dualstack, subclassed, socket, "socket"),
    (dualstack, guarded, socket, "socket"),
]
for does, replace, where, name in LOOKUPS:
    label = f"{does.__name__}: {getattr(where, '__name__', where)}.{name} {replace.__name__}"
    with replace(where, name):
        result = outcome(does)
    say(label, result, called.taken())
    with contextlib.suppress(BlockingIOError):  # what a guard left to accept
        listener.settimeout(0)
        while True:
            listener.accept()[0].close()
    listener.settimeout(None)
