"""One thread at a time: who is reading a stream, or writing it, and the others' wait for it.

The GIL keeps two threads out of a call that does not wait. One that waits gives the GIL up in the
middle, and takes a turn first. Where there is no GIL every call takes one.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.pythread cimport (
    NOWAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_get_thread_ident, PyThread_release_lock, PyThread_type_lock,
)
from libc.stdint cimport int64_t

from ..core cimport traceback
from ..core.deadline cimport Patience, press_on
from ..sys.ps_wait cimport ps_clock


cdef extern from "pythread.h" nogil:
    # Cython's own declaration wants the GIL.
    int PY_LOCK_ACQUIRED
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long us, int interruptible)


cdef enum:
    PATIENT_US = 1_000_000_000  # of one wait; longer ones are several


cdef class Turn:
    def __cinit__(self):
        self.taken = False
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError()

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    cdef int begin(self, Patience *patience) except -1:
        """Take the turn, waiting for it as *patience* says.

        RuntimeError where the caller has it already: a signal's handler, run in the middle of the
        very call that it interrupted.
        """
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            if self.taken and self.owner == PyThread_get_thread_ident():
                raise RuntimeError("reentrant call: this thread is in the middle of another one")
            self.wait(patience)
        self.owner = PyThread_get_thread_ident()
        self.taken = True
        return 0

    cdef int wait(self, Patience *patience) except -1:
        cdef int status
        cdef long long microseconds
        cdef int64_t left
        cdef PyThread_type_lock lock
        if patience.timeout == 0:
            raise BlockingIOError("another thread is in the middle of a call")
        while True:
            press_on(patience)
            microseconds = PATIENT_US
            if patience.timeout > 0:
                left = patience.deadline - ps_clock()
                microseconds = min(microseconds, left // 1000 + 1 if left > 0 else 0)
            lock = self.lock
            with nogil:
                status = PyThread_acquire_lock_timed(lock, microseconds, 1)
            if status == PY_LOCK_ACQUIRED:
                return 0

    cdef int end(self) except -1:
        self.taken = False
        PyThread_release_lock(self.lock)
        return 0
