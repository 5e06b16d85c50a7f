"""A race between the addresses of a host (RFC 8305), and one deadline for all of them.

`create_connection` comes here for its additional arguments. Connection attempts do not block, and
one `poll()` waits for all of them.
"""

import builtins
import errno
import os
import select
import socket as _stdlib
import sys
import time
from collections import deque
from itertools import zip_longest
from math import inf

from . import PACKAGE
from .deadline import as_float

# Its functions are looked up here at each call, so that a function patched by tests is used.
_package = sys.modules[PACKAGE]

_MAX_POLL_MS = 2**31 - 1


def connect_first(
    address, timeout, source_address, all_errors, happy_eyeballs_delay, total_timeout
):
    """Return the first socket that connects to *address*. The arguments are create_connection's."""
    delay, deadline = inf, inf
    if happy_eyeballs_delay is not None:
        delay = _seconds("happy_eyeballs_delay", happy_eyeballs_delay)
    if total_timeout is not None:
        deadline = time.monotonic() + _seconds("total_timeout", total_timeout)
    if all_errors and not hasattr(builtins, "ExceptionGroup"):
        raise TypeError("all_errors needs ExceptionGroup, which this Python does not have")
    found = _package.getaddrinfo(*address, 0, _stdlib.SOCK_STREAM)
    if happy_eyeballs_delay is not None:
        found = interleave(found)
    race = _Race(found, timeout, source_address, delay, deadline)
    sock = race.run()
    if sock is not None:
        return sock
    try:
        if not race.errors:
            raise OSError("getaddrinfo returns an empty list")
        if all_errors:
            raise builtins.ExceptionGroup("create_connection failed", race.errors)
        raise race.errors[-1]
    finally:
        race.errors.clear()  # breaks the cycle: error, traceback, frame, race, error


def interleave(found):
    """Return the list *found*, from `getaddrinfo()`, reordered so that its families alternate.

    The first entry stays the first, and the order within a family stays the same: RFC 8305,
    section 4, with a First Address Family Count of 1.
    """
    families = {}
    for info in found:
        families.setdefault(info[0], []).append(info)
    rounds = zip_longest(*families.values())
    return [info for round_ in rounds for info in round_ if info is not None]


def _seconds(name, value):
    """Convert *value*, any real number, to a float, as `settimeout()` does since Python 3.15."""
    seconds = as_float(value)
    if not seconds >= 0:  # also true for NaN
        raise ValueError(f"{name} must be 0 or a positive number of seconds, not {value}")
    return seconds


def _bind(sock, source_address):
    """Bind *sock*. Raise OSError if *source_address* belongs to another family."""
    if sock.family == _stdlib.AF_INET and isinstance(source_address, tuple) and source_address:
        host = source_address[0]
        # For an address of AF_INET6, bind() would raise TypeError or OverflowError instead.
        if len(source_address) > 2 or isinstance(host, int) and host >= 1 << 32:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    sock.bind(source_address)


class _Attempt:
    """A connection attempt: its socket, the timeout to set on success, and its deadline."""

    __slots__ = ("sock", "timeout", "deadline")

    def __init__(self, sock, timeout):
        self.sock = sock
        self.timeout = timeout
        self.deadline = inf if timeout is None else time.monotonic() + timeout

    def error(self):
        """Return the error of a finished attempt, or None if it is connected."""
        try:
            number = self.sock.getsockopt(_stdlib.SOL_SOCKET, _stdlib.SO_ERROR)
        except OSError as error:  # another thread has closed the socket; other attempts continue
            return error
        return OSError(number, os.strerror(number)) if number else None


class _Race:
    """Attempts to connect to the addresses *found*. The first one that succeeds wins.

    An attempt starts *delay* seconds after the one before, or immediately if that one has failed.
    *deadline* is on the clock of `time.monotonic()`. Both may be inf. `errors` has the errors of
    the failed attempts in the order in which they occurred.
    """

    def __init__(self, found, timeout, source_address, delay, deadline):
        self.errors = []
        self._found = deque(found)
        self._timeout = timeout
        self._source_address = source_address
        self._delay = delay
        self._deadline = deadline
        self._next_start = -inf  # the time at which the next attempt starts
        self._latest = None  # the descriptor of the latest attempt
        self._running = {}  # attempts by descriptor, in the order of their start
        self._poller = select.poll()

    def run(self):
        """Return the connected socket with its final timeout, or None."""
        # The loop is another function. CPython does not cover a loop's backward jump by a `try`
        # around it, and a signal handler may raise at that jump.
        try:
            return self._first_connected()
        except BaseException:
            self.errors.clear()
            self._close()
            raise

    def _first_connected(self):
        while self._found or self._running:
            now = time.monotonic()
            if now >= self._deadline:
                self.errors.append(TimeoutError("timed out"))
                break
            if self._found and now >= self._next_start:
                self._next_start = now + self._delay
                try:
                    sock = self._start(*self._found.popleft())
                except OSError as error:
                    self.errors.append(error)
                    self._next_start = -inf
                    continue
            else:
                sock = self._wait()
            if sock is not None:
                return sock  # no call after this: a signal handler could raise and leak it
        self._close()
        return None

    def _start(self, family, type, proto, _, address):
        """Start an attempt. Return the socket if it is connected already, else None."""
        sock = _package.socket(family, type, proto)
        try:
            if self._timeout is not _stdlib._GLOBAL_DEFAULT_TIMEOUT:
                sock.settimeout(self._timeout)
            if self._source_address:
                _bind(sock, self._source_address)
            timeout = sock.gettimeout()
            if not self._running and (not self._found or self._delay == inf):
                return self._connect_blocking(sock, address, timeout)
            sock.setblocking(False)
            error = sock.connect_ex(address)
            if error and (error not in (errno.EINPROGRESS, errno.EINTR) or timeout == 0):
                raise OSError(error, os.strerror(error))
            self._latest = sock.fileno()
            self._poller.register(self._latest, select.POLLOUT)
            self._running[self._latest] = _Attempt(sock, timeout)
            return None
        except BaseException:
            sock.close()
            raise

    def _connect_blocking(self, sock, address, timeout):
        """Connect while no other attempt is running: one wait, for the rest of the time."""
        left = self._deadline - time.monotonic()
        # settimeout() accepts no more than poll() does. The kernel ends connect() long before.
        if left < (_MAX_POLL_MS / 1000 if timeout is None else timeout):
            sock.settimeout(max(left, 1e-9))  # 0 would make it non-blocking
        try:
            sock.connect(address)
        except TimeoutError:
            if time.monotonic() >= self._deadline:
                self._found.clear()  # the whole call has timed out: start no other attempt
            raise
        sock.settimeout(timeout)
        self.errors.clear()
        return sock

    def _wait(self):
        """Wait for the next event. Return the socket if an attempt has connected, else None."""
        deadlines = [attempt.deadline for attempt in self._running.values()]
        deadline = min(self._deadline, self._next_start if self._found else inf, *deadlines)
        left = max(deadline - time.monotonic(), 0)
        for fd, _ in self._poller.poll(min(left * 1000, _MAX_POLL_MS)):
            error = self._running[fd].error()
            if error is None:
                return self._finish(fd)
            self._fail(fd, error)
        now = time.monotonic()
        for fd, attempt in list(self._running.items()):
            if now >= attempt.deadline:
                self._fail(fd, TimeoutError("timed out"))
        return None

    def _finish(self, fd):
        self.errors.clear()
        self._close(except_fd=fd)
        attempt = self._running[fd]
        attempt.sock.settimeout(attempt.timeout)
        del self._running[fd]
        return attempt.sock

    def _fail(self, fd, error):
        self._poller.unregister(fd)
        self._running[fd].sock.close()
        del self._running[fd]
        self.errors.append(error)
        if fd == self._latest:
            self._next_start = -inf

    def _close(self, except_fd=None):
        for fd in list(self._running):
            if fd != except_fd:
                self._running[fd].sock.close()
                del self._running[fd]
