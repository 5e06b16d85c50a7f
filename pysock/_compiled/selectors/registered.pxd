"""What is registered with an EpollSelector, and the cached results of select()."""

from libc.limits cimport INT_MAX

from ..core.arguments cimport exact_number
from ..core.threads cimport shared_int


cdef inline int nonnegative_int(object value) except? -1:
    """*value* if it is exactly an int, from 0 to INT_MAX; -1 for anything else."""
    return <int>exact_number(value, INT_MAX)


cdef class Registered(dict):
    cdef list pairs  # by descriptor: the (key, events) that select() last returned, or None
    cdef shared_int misses  # tries of select() that found nothing, one after the other

    cdef int cache_pair(self, int fd, object key, object pair) except -1
    cdef int invalidate_pair(self, int fd) except -1
    cdef int invalidate_pair_of(self, object fd) except -1
    cdef int invalidate_all_pairs(self) except -1
