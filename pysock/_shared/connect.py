"""create_connection, and listeners that share one address: the same code on both backends.

`create_connection` is the standard library's until somebody asks for a race (RFC 8305) or for one
deadline. Then it is the loop below: attempts that do not block, and one `poll()` on them all.
"""

import builtins
import errno
import operator
import os
import select
import socket as _stdlib
import sys
import time
from collections import deque
from itertools import zip_longest
from math import inf

from . import PACKAGE
from .address import standard_host, standard_port
from .deadline import as_float

# The package's names are looked up in it when they are called: who patches one is followed.
_package = sys.modules[PACKAGE]
# The standard library's function, which the package has bound to itself before it imports this.
_one_by_one = _package.create_connection

_LONGEST_POLL = 2**31 - 1  # ms


def create_connection(
    address,
    timeout=_stdlib._GLOBAL_DEFAULT_TIMEOUT,
    source_address=None,
    *,
    all_errors=False,
    happy_eyeballs_delay=None,
    total_timeout=None,
):
    """Connect to *address*, a pair (host, port), and return the socket.

    The addresses that the host's name stands for are tried one after another, each for *timeout*
    seconds (None: without end; by default `setdefaulttimeout()`'s), and the socket has that timeout
    in the end. Host and port have any form of docs/guide/addresses.md. *source_address* is what the
    socket is bound to first: an attempt at an address of another family than that one's fails.

    *happy_eyeballs_delay*, in seconds, asks for a race (RFC 8305, which recommends 0.25): the
    families of the addresses take turns, the first address stays first. The next attempt begins
    after the delay, or at once when the latest has failed; the others go on meanwhile. The first
    connection that is made is returned, and all others are closed. 0 begins them all at once.

    *total_timeout*, in seconds, is for the whole call, however many addresses there are. The time
    that the resolver takes counts, but it cannot be interrupted: the call takes as long as it does.

    Raises TimeoutError when the total timeout is over, else the error that came last; where
    *all_errors* is true, an ExceptionGroup of all in the order in which they came, with that
    TimeoutError at the end (from Python 3.11 on; TypeError before). OSError where the host has no
    address, ValueError for negative seconds. Audit events `socket.getaddrinfo`, `socket.__new__`,
    `socket.bind`, `socket.connect`.
    """
    host, port = address
    if type(host) is not str or type(port) is not int or not host:
        if host is not None:
            host = standard_host(host)
            if isinstance(host, (str, bytes)) and not host:
                host = "0.0.0.0"
        port = standard_port(port, "tcp")
    if happy_eyeballs_delay is None and total_timeout is None:
        if all_errors:  # an interpreter that does not know it says so
            return _one_by_one((host, port), timeout, source_address, all_errors=all_errors)
        return _one_by_one((host, port), timeout, source_address)

    delay, deadline = inf, inf
    if happy_eyeballs_delay is not None:
        delay = _seconds("happy_eyeballs_delay", happy_eyeballs_delay)
    if total_timeout is not None:
        deadline = time.monotonic() + _seconds("total_timeout", total_timeout)
    if all_errors and not hasattr(builtins, "ExceptionGroup"):
        raise TypeError("all_errors needs ExceptionGroup, which this Python does not have")
    found = _package.getaddrinfo(host, port, 0, _stdlib.SOCK_STREAM)
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
        race.errors.clear()  # they hold their tracebacks, those the frames, and these the race


def interleave(found):
    """Return *found*, as `getaddrinfo()` returns it, with its families taking turns.

    The first stays the first, and within a family the order stays what it is: RFC 8305, section 4,
    with a First Address Family Count of 1.
    """
    families = {}
    for info in found:
        families.setdefault(info[0], []).append(info)
    turns = zip_longest(*families.values())
    return [info for turn in turns for info in turn if info is not None]


def reuse_port_listeners(address, n, *, family=_stdlib.AF_INET, backlog=None):
    """Return a list of *n* sockets that listen on one *address*, say one for each worker process.

    The kernel gives each new connection to one of them, chosen by a hash of both ends' addresses
    (`socket(7)`, SO_REUSEPORT). Each has a queue of its own, and what waits in it waits for this
    listener alone: serve them all. With port 0 the kernel chooses a port, the same for all.
    *family* and *backlog* are those of `create_server`. If one cannot be made, all are closed.
    Raises OSError, and ValueError for *n* below 1 or where the system has no SO_REUSEPORT.
    """
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"at least one listener is needed, not {n}")
    listeners = []
    try:
        for _ in range(n):
            listeners.append(
                _package.create_server(address, family=family, backlog=backlog, reuse_port=True)
            )
            address = listeners[0].getsockname()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _seconds(name, value):
    """Return *value* as a float; any real number will do, as for `settimeout()` since 3.15."""
    seconds = as_float(value)
    if not seconds >= 0:  # so it is for NaN
        raise ValueError(f"{name} must be 0 or a positive number of seconds, not {value}")
    return seconds


def _bind(sock, source_address):
    """Bind *sock*; raise OSError where that is an address of another family."""
    if sock.family == _stdlib.AF_INET and isinstance(source_address, tuple) and source_address:
        host = source_address[0]
        # What only AF_INET6 can have, bind() takes for a mistake: TypeError, OverflowError.
        if len(source_address) > 2 or isinstance(host, int) and host >= 1 << 32:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    sock.bind(source_address)


class _Attempt:
    """A connection on its way: its socket, the timeout that it is to have, when it is given up."""

    __slots__ = ("sock", "timeout", "until")

    def __init__(self, sock, timeout):
        self.sock = sock
        self.timeout = timeout
        self.until = inf if timeout is None else time.monotonic() + timeout

    def error(self):
        """What the attempt, which is over, has failed of; None where it is connected."""
        try:
            number = self.sock.getsockopt(_stdlib.SOL_SOCKET, _stdlib.SO_ERROR)
        except OSError as error:  # another thread has closed the socket: the others go on
            return error
        return OSError(number, os.strerror(number)) if number else None


class _Race:
    """Attempts to connect to the addresses *found*, of which the first that succeeds is kept.

    One begins *delay* seconds after the one before, or at once when that has failed. *deadline* is
    a `time.monotonic()`. Both may be inf. `errors` has what went wrong, in the order it came.
    """

    def __init__(self, found, timeout, source_address, delay, deadline):
        self.errors = []
        self._found = deque(found)
        self._timeout = timeout
        self._source_address = source_address
        self._delay = delay
        self._deadline = deadline
        self._due = -inf  # when the next attempt begins
        self._latest = None  # the descriptor of the attempt that began last
        self._running = {}  # attempts by descriptor, in the order in which they began
        self._poller = select.poll()

    def run(self):
        """Return the socket that is connected, with the timeout it is to have, or None."""
        # The loop itself is elsewhere: CPython leaves a loop's jump back out of a `try` around it,
        # and a signal's handler may raise there, too.
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
            if self._found and now >= self._due:
                self._due = now + self._delay
                try:
                    sock = self._begin(*self._found.popleft())
                except OSError as error:
                    self.errors.append(error)
                    self._due = -inf
                    continue
            else:
                sock = self._wait()
            if sock is not None:
                return sock  # nothing is called from here on: a signal could lose it
        self._close()
        return None

    def _begin(self, family, type, proto, _, address):
        """Begin an attempt; return the socket if it is connected already."""
        sock = _package.socket(family, type, proto)
        try:
            if self._timeout is not _stdlib._GLOBAL_DEFAULT_TIMEOUT:
                sock.settimeout(self._timeout)
            if self._source_address:
                _bind(sock, self._source_address)
            timeout = sock.gettimeout()
            if not self._running and (not self._found or self._delay == inf):
                return self._connect_alone(sock, address, timeout)
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

    def _connect_alone(self, sock, address, timeout):
        """Connect where no other attempt is beside it: one wait, in the time that is left."""
        left = self._deadline - time.monotonic()
        # settimeout() takes no more than poll() does: the kernel has given up long before that.
        if left < (_LONGEST_POLL / 1000 if timeout is None else timeout):
            sock.settimeout(max(left, 1e-9))  # 0 would not wait at all
        try:
            sock.connect(address)
        except TimeoutError:
            if time.monotonic() >= self._deadline:
                self._found.clear()  # the whole call's time is over, and not this attempt's alone
            raise
        sock.settimeout(timeout)
        self.errors.clear()
        return sock

    def _wait(self):
        """Wait for what comes first; return the connected socket if it is that."""
        ends = [attempt.until for attempt in self._running.values()]
        until = min(self._deadline, self._due if self._found else inf, *ends)
        left = max(until - time.monotonic(), 0)
        for fd, _ in self._poller.poll(min(left * 1000, _LONGEST_POLL)):
            error = self._running[fd].error()
            if error is None:
                return self._take(fd)
            self._fail(fd, error)
        now = time.monotonic()
        for fd, attempt in list(self._running.items()):
            if now >= attempt.until:
                self._fail(fd, TimeoutError("timed out"))
        return None

    def _take(self, fd):
        self.errors.clear()
        self._close(but=fd)
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
            self._due = -inf

    def _close(self, but=None):
        for fd in list(self._running):
            if fd != but:
                self._running[fd].sock.close()
                del self._running[fd]
