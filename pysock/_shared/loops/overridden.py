"""Bytes that go by a method of the socket's own class, which waits by itself: ssl.SSLSocket's, say.

Such a method knows no time but the socket's timeout, so that is lent to a call that has a time of
its own. One thread may read by such a method while another one writes: who comes last puts back
what was there before the first.
"""

import errno
import os
import select
import sys
import time
from _thread import RLock
from contextlib import suppress

# Bytes. OpenSSL wants to be called again with what it could not send, or more of it: never with
# more at once than one record holds, whose bytes then count as not sent.
RECORD_MOST = 16384
_AT_ONCE = 1e-6  # s: 0 would make a socket non-blocking
_LONGEST = 1e9  # s: a time_t has to hold it


class _Loan:
    """What a socket had as its timeout, and who has another one now."""

    def __init__(self, own):
        self.own = own
        self.borrowers = set()


def _begin():
    global _loans, _lock
    _loans = {}  # by the socket's id, while it is lent
    _lock = RLock()  # a handler may come by while its thread is here


_begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)  # the threads that have borrowed are not there


def own_timeout(sock):
    """The timeout that *sock* had before it was lent; `...` where that is the one it has."""
    with _lock:
        loan = _loans.get(id(sock))
        return loan.own if loan and loan.own != 0 else ...


def call(sock, seconds, events, method, *arguments):
    """Call a *method* of *sock* that waits until it has one of *events*.

    For *seconds* at most, or None for without end; `...` is what the socket's timeout says. Raises
    BlockingIOError where it never waits, also for what TLS says then.
    """
    try:
        if seconds is ...:
            return method(*arguments)
        return _call_within(sock, seconds, method, arguments)
    except OSError as error:
        if _is_would_block(error, events):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        raise


def _is_would_block(error, events):
    """Whether *error* is TLS's for what other sockets say by EAGAIN."""
    name = "SSLWantReadError" if events == select.POLLIN else "SSLWantWriteError"
    return isinstance(error, getattr(sys.modules.get("ssl"), name, ()))


def _call_within(sock, seconds, method, arguments):
    end = None if seconds is None else time.monotonic() + seconds
    borrower = object()
    try:
        while True:
            lent = _borrow(sock, seconds, borrower)
            try:
                return method(*arguments)
            except TimeoutError as error:
                # Of a call in another thread, with less time, if that has borrowed it since.
                # ETIMEDOUT is the connection's.
                if error.errno is not None or sock.gettimeout() == lent:
                    raise
                if end is not None and time.monotonic() >= end:
                    raise
            seconds = None if end is None else end - time.monotonic()
    finally:
        try:
            _give_back(sock, borrower)
        finally:
            _give_back(sock, borrower)  # which a handler that raises had kept from it


def _borrow(sock, seconds, borrower):
    """Give *sock* so many *seconds*; return them as it has them."""
    with _lock:
        if id(sock) not in _loans:
            _loans[id(sock)] = _Loan(sock.gettimeout())
        _loans[id(sock)].borrowers.add(borrower)
        sock.settimeout(None if seconds is None else min(max(seconds, _AT_ONCE), _LONGEST))
        return sock.gettimeout()


def _give_back(sock, borrower):
    with _lock:
        loan = _loans.get(id(sock))
        if loan is None:
            return
        loan.borrowers.discard(borrower)
        if not loan.borrowers:
            if sock.fileno() != -1:
                with suppress(OSError):  # closed meanwhile
                    sock.settimeout(loan.own)
            del _loans[id(sock)]
