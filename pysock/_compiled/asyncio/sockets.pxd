"""Sockets whose system calls a transport may make itself. The reasons are in sockets.pyx."""

cdef bint is_original_class(object cls) except -1
cdef bint has_original(object sock) except -1
cdef int close_socket(object sock) except -1
cdef bint is_of_known_class(object sock) except -1


cdef extern from "Python.h":
    bint PyBytes_CheckExact(object data)
    bint PyByteArray_CheckExact(object data)
    bint PyMemoryView_Check(object data)


cdef inline bint is_bytes_like(object data) noexcept:
    """Whether *data* is of a type that a transport sends, and not of a subclass."""
    return PyBytes_CheckExact(data) or PyByteArray_CheckExact(data) or PyMemoryView_Check(data)
