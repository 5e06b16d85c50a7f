"""One thread at a time: who is reading a stream, or writing it, and the others' wait for it."""

from cpython.pythread cimport PyThread_type_lock

from ._deadline cimport Patience


cdef class Turn:
    cdef PyThread_type_lock lock
    cdef unsigned long owner
    cdef bint taken  # with the GIL held and this False, nobody is in the middle of anything

    cdef int begin(self, Patience *patience) except -1
    cdef int wait(self, Patience *patience) except -1
    cdef int end(self) except -1
