"""Readers and writers of a loop, for its transports. The reasons are in readers.pyx."""

cdef int add_reader_of(object loop, object fd, object callback) except -1
cdef bint remove_both(object loop, object fd) except -1
