"""The state of a socket that is kept between two batch calls. Few sockets have any.

There are two such facts: that the kernel refused GSO on this socket, and an error that occurred
after some datagrams were sent, which the next call raises. The socket object has no field for them.
They are stored by the identity of the object for its lifetime. An entry is valid only while the
object still has the same kernel socket. The kernel's socket cookie shows that. The number of a
descriptor does not, as another socket can get the same number after a close.

A batch call checks `entries` first, which is mostly empty.
"""

import socket as _stdlib
import sys
from _weakref import ref

from . import original

_SO_COOKIE = 57 if sys.platform == "linux" else None

entries: dict = {}  # id of a socket object: its Entry


class Entry:
    """*gso_refused*: use no GSO on this socket. *errors*: the error to raise next, at most one."""

    __slots__ = ("_cookie", "_reference", "errors", "gso_refused")

    def __init__(self, sock):
        self.gso_refused = False
        self.errors = []  # removed by pop(): two threads do not raise the same error
        self._cookie = _cookie(sock)
        key = id(sock)
        self._reference = ref(sock, lambda _: entries.pop(key, None))

    def is_of(self, sock):
        return self._reference() is sock and self._cookie == _cookie(sock)


def _cookie(sock):
    if _SO_COOKIE is not None:
        try:
            return original.socket.getsockopt(sock, _stdlib.SOL_SOCKET, _SO_COOKIE, 8)
        except OSError:  # a closed socket, or a kernel older than 4.12
            pass
    return sock.fileno()


def find_entry(sock):
    """Return the Entry of *sock*, or None."""
    entry = entries.get(id(sock))
    if entry is not None and not entry.is_of(sock):
        entries.pop(id(sock), None)
        return None
    return entry


def _find_or_add_entry(sock):
    entry = find_entry(sock)
    if entry is None:
        entry = entries[id(sock)] = Entry(sock)
    return entry


def refuse_gso(sock):
    """Record that GSO sends of *sock* fail."""
    _find_or_add_entry(sock).gso_refused = True


def defer_error(sock, error):
    """Store *error*: the next batch call on *sock* raises it."""
    # Without tracebacks: they reference frames, and these reference the socket.
    error.__cause__ = error.__context__ = None
    _find_or_add_entry(sock).errors[:] = [error.with_traceback(None)]


def raise_deferred(sock):
    """Raise the stored error of *sock*, if any, once."""
    entry = find_entry(sock)
    if entry is None:
        return
    try:
        error = entry.errors.pop()
    except IndexError:
        return
    if not entry.gso_refused:
        entries.pop(id(sock), None)
    raise error
