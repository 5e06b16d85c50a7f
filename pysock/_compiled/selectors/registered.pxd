"""What is registered with an EpollSelector, and the cached results of select()."""

from libc.limits cimport INT_MAX

from cpython.long cimport PyLong_CheckExact


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object as_c_int, int *overflow) except? -1


cdef inline int as_c_int(object value) except -2:
    """Convert an int from 0 to INT_MAX. Return -1 for any other value."""
    cdef int overflow = 0
    cdef long found
    if not PyLong_CheckExact(value):
        return -1
    found = PyLong_AsLongAndOverflow(value, &overflow)
    return <int>found if 0 <= found <= INT_MAX else -1


cdef class Registered(dict):
    cdef list pairs  # by descriptor: the (key, events) that select() last returned, or None

    cdef int cache_pair(self, int fd, object key, object pair) except -1
    cdef int invalidate_pair(self, int fd) except -1
    cdef int invalidate_pair_of(self, object fd) except -1
    cdef int invalidate_all_pairs(self) except -1
