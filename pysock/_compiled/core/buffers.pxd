"""Other objects' memory, held for a system call: one buffer to send or to fill, or many."""

from cpython.buffer cimport PyBUF_SIMPLE, Py_buffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE

from ..sys.ps_io cimport iovec, ps_io


cdef enum:
    IOV_FEW = 16  # so many need no memory of their own


cdef class Buffers:
    cdef tuple objects       # for bytes, holding the object is holding the memory
    cdef Py_buffer *views    # of the others
    cdef Py_ssize_t held
    cdef iovec *iov          # all of them
    cdef Py_ssize_t count
    cdef size_t total        # their bytes
    cdef iovec[IOV_FEW] few

    cdef int acquire(self, tuple objects, int flags) except -1
    cdef int acquire_view(self, object item, Py_ssize_t n, iovec *iov, int flags) except -1


cdef bint acquire_writable(object buffer, Py_ssize_t nbytes, Py_buffer *view, ps_io *io) except -1


cdef inline bint acquire_readable(object data, Py_buffer *view, ps_io *io) except -1:
    """Point *io* at the bytes of *data*; True if *view* holds them and must be released."""
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
