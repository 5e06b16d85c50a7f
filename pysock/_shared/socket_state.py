"""What is remembered of a socket from one batch call to the next: rarely anything.

Two things outlast a call: that the kernel refused GSO on this socket, and an error that came after
some datagrams had gone out, for the next call to raise. Neither has room in the socket object. They
are kept by the object's identity, for as long as it lives, and believed only while it still has the
kernel's socket that they were learned from: the kernel's cookie tells, where a descriptor's number
would be given to another socket after a close.

Few sockets ever have an entry. A batch call looks whether there is any at all before it asks here.
"""

import socket as _stdlib
import sys
from _weakref import ref

from . import original

_SO_COOKIE = 57 if sys.platform == "linux" else None

entries: dict = {}  # id of a socket object: its Entry


class Entry:
    """*gso_refused*: no GSO on this socket. *errors*: what to raise next, at most one."""

    __slots__ = ("_cookie", "_reference", "errors", "gso_refused")

    def __init__(self, sock):
        self.gso_refused = False
        self.errors = []  # taken by pop(): two threads do not get the same one
        self._cookie = _cookie(sock)
        key = id(sock)
        self._reference = ref(sock, lambda _: entries.pop(key, None))

    def is_of(self, sock):
        return self._reference() is sock and self._cookie == _cookie(sock)


def _cookie(sock):
    if _SO_COOKIE is not None:
        try:
            return original.socket.getsockopt(sock, _stdlib.SOL_SOCKET, _SO_COOKIE, 8)
        except OSError:  # a closed socket, or a kernel before 4.12
            pass
    return sock.fileno()


def known(sock):
    """Return the socket's Entry, or None."""
    entry = entries.get(id(sock))
    if entry is not None and not entry.is_of(sock):
        entries.pop(id(sock), None)
        return None
    return entry


def _entry(sock):
    entry = known(sock)
    if entry is None:
        entry = entries[id(sock)] = Entry(sock)
    return entry


def refuse_gso(sock):
    """Remember that no GSO send of *sock* gets through."""
    _entry(sock).gso_refused = True


def defer_error(sock, error):
    """Let the next batch call on *sock* raise *error*."""
    # Not its traceback, nor another exception's: that holds frames, which hold the socket.
    error.__cause__ = error.__context__ = None
    _entry(sock).errors[:] = [error.with_traceback(None)]


def raise_deferred(sock):
    """Raise what was kept for *sock*, once."""
    entry = known(sock)
    if entry is None:
        return
    try:
        error = entry.errors.pop()
    except IndexError:
        return
    if not entry.gso_refused:
        entries.pop(id(sock), None)
    raise error
