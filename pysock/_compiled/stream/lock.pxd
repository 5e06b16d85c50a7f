"""One thread at a time: who is reading a stream, or writing it, and the others' wait for it."""

from cpython.pythread cimport PyThread_type_lock

from ..core.deadline cimport Deadline
from ..core.threads cimport HAS_GIL, shared_int, shared_long


cdef class Lock:
    cdef PyThread_type_lock mutex
    cdef shared_long owner
    cdef shared_int held  # with the GIL held and this False, nobody is in the middle of anything

    cdef int acquire(self, Deadline *until) except -1
    cdef int wait(self, Deadline *until) except -1
    cdef int release(self) except -1


cdef inline bint must_lock(Lock lock) noexcept:
    """Whether a call that does not wait has to take it all the same."""
    return not HAS_GIL or lock.held
