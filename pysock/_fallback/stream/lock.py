"""The lock of one direction of a stream, as _compiled/stream/lock.pyx is in C."""

from _thread import TIMEOUT_MAX, RLock

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

    def held(self, deadline):
        """Return a context manager in which the lock is held. Wait for it until *deadline*."""
        return _Held(self, deadline)

    def acquire_timed(self, acquired, deadline):
        if self.lock._is_owned():
            raise RuntimeError("reentrant call: this thread is in the middle of another one")
        if deadline.non_blocking:
            raise BlockingIOError("another thread is in the middle of a call")
        left = deadline.left()
        record(acquired, self.lock.acquire, True, -1 if left is None else min(left, TIMEOUT_MAX))
        if True not in acquired:
            raise TimeoutError("timed out")


class _Held:
    # The interpreter finds `__exit__` in the slot: it is a method in C. A signal handler can raise
    # before the first line of a method in Python, and the lock would stay acquired.
    __slots__ = ("__exit__", "_deadline", "_lock")

    def __init__(self, lock, deadline):
        self._lock = lock
        self._deadline = deadline
        self.__exit__ = lock.lock.__exit__

    def __enter__(self):
        acquired = []
        try:
            if not self._lock.try_acquire(acquired):
                self._lock.acquire_timed(acquired, self._deadline)
            return  # in here: what a signal handler raises before it is caught
        except BaseException:
            if True in acquired:
                self._lock.lock.release()
            raise
