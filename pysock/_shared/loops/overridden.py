"""Calls of a method that the socket's class overrides and that waits itself, as ssl.SSLSocket's do.

Such a method has no timeout but the socket's. For a call with a time of its own, the socket's
timeout is replaced during the call, and restored afterwards. One thread may read while another one
writes. The last call that ends then restores the timeout from before the first one.
"""

import errno
import os
import select
import sys
import time
from _thread import RLock

_MIN_TIMEOUT = 1e-6  # seconds: 0 would make the socket non-blocking
_MAX_TIMEOUT = 1e9  # seconds: it must fit into a time_t


class _Saved:
    """The original timeout of a socket, and the calls that need another one now."""

    def __init__(self, timeout):
        self.timeout = timeout
        self.calls = set()


def _reset():
    global _saved, _lock
    _saved = {}  # by the id of the socket, while its timeout is replaced
    _lock = RLock()  # reentrant: a signal handler may call this while its thread holds it


_reset()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)  # the child has no other threads


def saved_timeout(sock):
    """Return the timeout that *sock* had before it was replaced; `...` if it was not."""
    with _lock:
        saved = _saved.get(id(sock))
        return saved.timeout if saved and saved.timeout != 0 else ...


def call(sock, seconds, events, method, *arguments):
    """Call a *method* of *sock* that waits until the socket has one of *events*.

    It may wait for *seconds*; None is no limit, `...` is the socket's timeout. Raises
    BlockingIOError if the socket is non-blocking and the call would block, also for TLS.
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
    """Whether *error* is the one that TLS has in place of EAGAIN."""
    name = "SSLWantReadError" if events == select.POLLIN else "SSLWantWriteError"
    return isinstance(error, getattr(sys.modules.get("ssl"), name, ()))


def _call_within(sock, seconds, method, arguments):
    deadline = None if seconds is None else time.monotonic() + seconds
    this_call = object()
    try:
        while True:
            replaced = _replace_timeout(sock, seconds, this_call)
            try:
                return method(*arguments)
            except TimeoutError as error:
                # An error with an errno (ETIMEDOUT) is the connection's. If another thread has
                # replaced the timeout since, its shorter time is over, and not this call's.
                if error.errno is not None or sock.gettimeout() == replaced:
                    raise
                if deadline is not None and time.monotonic() >= deadline:
                    raise
            seconds = None if deadline is None else deadline - time.monotonic()
    finally:
        try:
            _restore_timeout(sock, this_call)
        finally:
            # Again: an exception from a signal handler may have interrupted the first call.
            _restore_timeout(sock, this_call)


def _replace_timeout(sock, seconds, this_call):
    """Set the timeout of *sock* to *seconds*; return it as the socket rounds it."""
    with _lock:
        if id(sock) not in _saved:
            _saved[id(sock)] = _Saved(sock.gettimeout())
        _saved[id(sock)].calls.add(this_call)
        sock.settimeout(None if seconds is None else min(max(seconds, _MIN_TIMEOUT), _MAX_TIMEOUT))
        return sock.gettimeout()


def _restore_timeout(sock, this_call):
    with _lock:
        saved = _saved.get(id(sock))
        if saved is None:
            return
        saved.calls.discard(this_call)
        if not saved.calls:
            if sock.fileno() != -1:
                try:
                    sock.settimeout(saved.timeout)
                except OSError:  # closed in the meantime
                    pass
            del _saved[id(sock)]
