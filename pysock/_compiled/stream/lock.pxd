"""A lock for one direction of a stream: one thread at a time reads, and one writes."""

from cpython.pythread cimport PyThread_type_lock

from ..core.deadline cimport Deadline
from ..core.threads cimport HAS_GIL, shared_int, shared_long


cdef class Lock:
    cdef PyThread_type_lock mutex
    cdef shared_long owner
    cdef shared_int held  # if False, and the GIL is held, no call is in progress

    cdef int acquire(self, Deadline *until) except -1
    cdef int acquire_timed(self, Deadline *until) except -1
    cdef int release(self) except -1


cdef inline bint must_lock(Lock lock) noexcept:
    """Whether a call that does not wait has to acquire the lock, too."""
    return not HAS_GIL or lock.held
