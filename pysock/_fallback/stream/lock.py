"""The lock of one direction of a stream, as _compiled/stream/lock.pyx is in C."""

from _thread import TIMEOUT_MAX, RLock
from contextlib import contextmanager

from ..._shared.progress import record


class Lock:
    """One thread at a time. RuntimeError if a signal handler calls into its own thread's call.

    A signal handler can raise as soon as the lock is acquired. So `record` stores the result of
    acquire() in the same bytecode. A caller with True in its list *acquired* must release the lock,
    and must call no function before that.
    """

    def __init__(self):
        self.lock = RLock()  # it has an owner as soon as it is acquired

    def try_acquire(self, acquired):
        """Acquire the lock if it is free. Return whether this call holds it."""
        if not self.lock._is_owned():
            record(acquired, self.lock.acquire, False)
        return True in acquired

    @contextmanager
    def held(self, deadline):
        acquired = []
        try:
            if not self.try_acquire(acquired):
                self._acquire_timed(acquired, deadline)
            yield
        finally:
            if True in acquired:
                self.lock.release()

    def _acquire_timed(self, acquired, deadline):
        if self.lock._is_owned():
            raise RuntimeError("reentrant call: this thread is in the middle of another one")
        if deadline.non_blocking:
            raise BlockingIOError("another thread is in the middle of a call")
        left = deadline.left()
        record(acquired, self.lock.acquire, True, -1 if left is None else min(left, TIMEOUT_MAX))
        if True not in acquired:
            raise TimeoutError("timed out")
