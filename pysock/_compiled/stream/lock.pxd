"""One thread at a time: who is reading a stream, or writing it, and the others' wait for it."""

from cpython.pythread cimport PyThread_type_lock

from ..core.deadline cimport Patience
from ..core.threads cimport HAS_GIL, shared_int, shared_long


cdef class Turn:
    cdef PyThread_type_lock lock
    cdef shared_long owner
    cdef shared_int taken  # with the GIL held and this False, nobody is in the middle of anything

    cdef int begin(self, Patience *patience) except -1
    cdef int wait(self, Patience *patience) except -1
    cdef int end(self) except -1


cdef inline bint must_take(Turn turn) noexcept:
    """Whether a call that does not wait has to take it all the same."""
    return not HAS_GIL or turn.taken
