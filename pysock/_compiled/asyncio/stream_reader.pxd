"""Feeding a StreamReader from a transport. The reasons are in stream_reader.pyx."""

cdef object reader_of(object protocol)
cdef bint has_no_error(object reader) except -1
cdef int feed(object reader, bytes data) except -1
