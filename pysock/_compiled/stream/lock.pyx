"""A lock for one direction of a stream: one thread at a time reads, and one writes.

The GIL excludes other threads from a call that does not wait. A call that waits releases the GIL,
so it acquires this lock first. On an interpreter without a GIL every call acquires it.
"""

from cpython.pythread cimport (
    NOWAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_get_thread_ident, PyThread_release_lock, PyThread_type_lock,
)
from libc.stdint cimport int64_t

from ..core cimport traceback
from ..core.deadline cimport Deadline, between_transfers
from ..sys.ps_wait cimport ps_clock


cdef extern from "pythread.h" nogil:
    # Cython's own declaration requires the GIL.
    int PY_LOCK_ACQUIRED
    int PyThread_acquire_lock_timed(PyThread_type_lock mutex, long long us, int interruptible)


cdef enum:
    MAX_WAIT_US = 1_000_000_000  # a longer wait is split into several


cdef class Lock:
    def __cinit__(self):
        self.held = False
        self.mutex = PyThread_allocate_lock()
        if self.mutex == NULL:
            raise MemoryError()

    def __dealloc__(self):
        if self.mutex != NULL:
            PyThread_free_lock(self.mutex)

    cdef int acquire(self, Deadline *until) except -1:
        """Acquire the lock. Wait for it until the deadline *until*.

        Raises RuntimeError if this thread holds it already. That happens when a signal handler
        calls the stream while the call that it interrupted is in progress.
        """
        if not PyThread_acquire_lock(self.mutex, NOWAIT_LOCK):
            if self.held and self.owner == PyThread_get_thread_ident():
                raise RuntimeError("reentrant call: this thread is in the middle of another one")
            self.acquire_timed(until)
        self.owner = PyThread_get_thread_ident()
        self.held = True
        return 0

    cdef int acquire_timed(self, Deadline *until) except -1:
        cdef int status
        cdef long long microseconds
        cdef int64_t left
        cdef PyThread_type_lock mutex
        if until.timeout == 0:
            raise BlockingIOError("another thread is in the middle of a call")
        while True:
            between_transfers(until)
            microseconds = MAX_WAIT_US
            if until.timeout > 0:
                left = until.at - ps_clock()
                microseconds = min(microseconds, left // 1000 + 1 if left > 0 else 0)
            mutex = self.mutex
            with nogil:
                status = PyThread_acquire_lock_timed(mutex, microseconds, 1)
            if status == PY_LOCK_ACQUIRED:
                return 0

    cdef int release(self) except -1:
        self.held = False
        PyThread_release_lock(self.mutex)
        return 0
