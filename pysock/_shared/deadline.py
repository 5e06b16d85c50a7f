"""How long one call may take, in Python code: what _compiled/core/deadline.pyx is in C.

A call that needs several transfers waits here, and makes each transfer without waiting. So one
deadline is for all of them, and the socket stays in its mode, which other threads may rely on.
"""

import errno
import os
import select
import time
from math import ldexp

from . import original

NOT_GIVEN = ...
MAX_LATE_TRANSFERS = 16  # after the deadline, while the peer always has data ready


def as_float(number):
    """Convert *number*, any real number, to a float; `float()` would accept text, too."""
    return ldexp(number, 0)


class Deadline:
    """The deadline of a call on *sock*: `wait()` until a descriptor is ready, or raise."""

    def __init__(self, sock, timeout=..., deadline=None):
        """Use *timeout* in seconds (None: no limit), or *deadline*, a `time.monotonic()`.

        Without either, the socket's timeout is used. Both may be any real number. Raises TypeError
        if both are given, ValueError for a negative timeout.
        """
        self.non_blocking = False
        self._late_transfers = 0
        if timeout is NOT_GIVEN and deadline is None:
            timeout = original.socket.gettimeout(sock)  # as in C, no override is asked
            self.non_blocking = timeout == 0
        elif deadline is not None and timeout is not NOT_GIVEN:
            raise TypeError("timeout and deadline are two ways to say one thing: give one of them")
        elif deadline is not None:
            deadline = as_float(deadline)
            if deadline != deadline:
                raise ValueError("Invalid value NaN (not a number)")
            timeout = max(deadline - time.monotonic(), 0)
        elif timeout is not None:
            timeout = as_float(timeout)
            if timeout < 0:
                raise ValueError("Timeout value out of range")
            if timeout != timeout:
                raise ValueError("Invalid value NaN (not a number)")
        self._at = None if timeout is None else time.monotonic() + timeout

    def wait(self, fd, events):
        """Wait until *fd* has one of *events*. Raise TimeoutError at the deadline.

        Call it after a transfer that would block (EAGAIN): it raises BlockingIOError if the socket
        is non-blocking.
        """
        if self.non_blocking:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        poller = select.poll()
        poller.register(fd, events)
        left = self.left()
        # poll() takes an int of milliseconds. After a longer wait the caller tries and calls again.
        events_seen = poller.poll(None if left is None else min(left * 1000, 2**31 - 1))
        if events_seen in ([], [(fd, select.POLLERR)]):
            if self.left() == 0:
                raise TimeoutError("timed out")
            # POLLERR stays set while the error queue is not empty, so poll() returns at once.
            if events_seen:
                time.sleep(0.001)

    def between_transfers(self):
        """Call it between two transfers: raises TimeoutError some transfers after the deadline."""
        if not self.non_blocking and self.left() == 0:
            self._late_transfers += 1
            if self._late_transfers > MAX_LATE_TRANSFERS:
                raise TimeoutError("timed out")

    def as_argument(self):
        """Return the keyword argument that gives another call the rest of this one's time."""
        return {} if self.non_blocking else {"timeout": self.left()}

    def left(self):
        """Return the remaining seconds, or None if there is no deadline."""
        return None if self._at is None else max(self._at - time.monotonic(), 0)
