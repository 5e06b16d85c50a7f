"""How long one call may take, in the fallback: what _deadline.pyx is to the C backend.

A call that has to move many pieces waits here and moves each without waiting, so that one deadline
is spent on them all, and the socket's own mode, which other threads may rely on, is left alone.
"""

import errno
import os
import select
import time
from math import ldexp

NOT_GIVEN = ...
OVERTIME_MOST = 16  # transfers


def as_float(number):
    """Return *number*, any real one, as a float; `float()` would take text, too."""
    return ldexp(number, 0)


class Deadline:
    """When a call on *sock* gives up: `wait()` until a descriptor is ready, or raise."""

    def __init__(self, sock, timeout=..., deadline=None):
        """Take *timeout* in seconds, None to block, or *deadline* in `time.monotonic()`'s.

        Without either it is the socket's timeout. Any real number will do. TypeError for both,
        ValueError for a negative timeout.
        """
        self.never_waits = False
        self._overtime = 0
        if timeout is NOT_GIVEN and deadline is None:
            timeout = sock.gettimeout()
            self.never_waits = timeout == 0
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
        """Wait until *fd* has one of *events*; raise BlockingIOError or TimeoutError if it may not.

        To be called after a try in vain (EAGAIN): BlockingIOError is the answer where the socket
        never waits.
        """
        if self.never_waits:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        poller = select.poll()
        poller.register(fd, events)
        left = self.left()
        # More than an int of milliseconds is waited for in parts: the caller tries, and comes back.
        came = poller.poll(None if left is None else min(left * 1000, 2**31 - 1))
        if came in ([], [(fd, select.POLLERR)]):
            if self.left() == 0:
                raise TimeoutError("timed out")
            if came:  # beside an unread error queue poll() is no wait
                time.sleep(0.001)

    def between_transfers(self):
        """Between two transfers of one call: raise TimeoutError if the time is long over."""
        if not self.never_waits and self.left() == 0:
            self._overtime += 1
            if self._overtime > OVERTIME_MOST:
                raise TimeoutError("timed out")

    def as_argument(self):
        """Return the keyword argument that gives another call what is left of this one."""
        return {} if self.never_waits else {"timeout": self.left()}

    def left(self):
        """Return the seconds that are left, or None where there is no end."""
        return None if self._at is None else max(self._at - time.monotonic(), 0)
