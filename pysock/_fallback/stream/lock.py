"""Whose turn it is, in the fallback: what _turn.pyx is to the C backend."""

from _thread import TIMEOUT_MAX, RLock
from contextlib import contextmanager

from ..._shared.progress import record


class Lock:
    """One thread at a time; RuntimeError for a signal's handler that breaks into its own call.

    A handler can raise as soon as the lock is acquired: `record` notes it in the same bytecode.
    Whoever has True among what it *got* has to release it, and to call nothing before that.
    """

    def __init__(self):
        self.lock = RLock()  # which knows its owner from the first moment on

    def try_acquire(self, got):
        """Take it, if nobody has it."""
        if not self.lock._is_owned():
            record(got, self.lock.acquire, False)
        return True in got

    @contextmanager
    def held(self, deadline):
        got = []
        try:
            if not self.try_acquire(got):
                self._wait(got, deadline)
            yield
        finally:
            if True in got:
                self.lock.release()

    def _wait(self, got, deadline):
        if self.lock._is_owned():
            raise RuntimeError("reentrant call: this thread is in the middle of another one")
        if deadline.never_waits:
            raise BlockingIOError("another thread is in the middle of a call")
        left = deadline.left()
        record(got, self.lock.acquire, True, -1 if left is None else min(left, TIMEOUT_MAX))
        if True not in got:
            raise TimeoutError("timed out")
