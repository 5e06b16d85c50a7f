"""What is registered with an EpollSelector, and what was last returned for it."""

from libc.limits cimport INT_MAX

from cpython.long cimport PyLong_CheckExact


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1


cdef inline int number(object value) except -2:
    """An int from 0 to INT_MAX; -1 for anything else."""
    cdef int overflow = 0
    cdef long found
    if not PyLong_CheckExact(value):
        return -1
    found = PyLong_AsLongAndOverflow(value, &overflow)
    return <int>found if 0 <= found <= INT_MAX else -1


cdef class Registered(dict):
    cdef list pairs  # by descriptor, (key, events) as last returned, or None

    cdef int cache_pair(self, int fd, object key, object pair) except -1
    cdef int drop_pair(self, int fd) except -1
    cdef int drop_pair_of(self, object fd) except -1
    cdef int drop_all_pairs(self) except -1
