"""Buffers of other objects, acquired for one system call: one buffer, or many for an iovec."""

from cpython.buffer cimport PyBUF_SIMPLE, Py_buffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE

from ..sys.ps_io cimport iovec, ps_io


cdef enum:
    INLINE_BUFFERS = 16  # up to so many need no allocation: their iovecs are in the object


cdef class Buffers:
    cdef tuple objects       # a reference to a bytes object keeps its memory
    cdef Py_buffer *views    # of the objects that are not bytes
    cdef Py_ssize_t view_count
    cdef iovec *iov          # of all objects
    cdef Py_ssize_t count
    cdef size_t total        # bytes of all of them
    cdef iovec[INLINE_BUFFERS] inline_iov

    cdef int acquire(self, tuple objects, int flags) except -1
    cdef int acquire_view(self, object item, Py_ssize_t n, iovec *iov, int flags) except -1


cdef bint acquire_writable(object buffer, Py_ssize_t nbytes, Py_buffer *view, ps_io *io) except -1
cdef int acquire_writable_for(object buffer, Py_buffer *view, str call) except -1


cdef inline bint acquire_readable(object data, Py_buffer *view, ps_io *io) except -1:
    """Set the buffer of *io* to the bytes of *data*; True if *view* must be released afterwards."""
    cdef bint is_bytes = PyBytes_CheckExact(data)
    if is_bytes:
        io.buf = PyBytes_AS_STRING(data)
        io.len = <size_t>PyBytes_GET_SIZE(data)
    else:
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
        io.buf = view.buf
        io.len = <size_t>view.len
    io.likely = io.len
    io.name = NULL
    io.msg = NULL
    return not is_bytes
