"""Other objects' memory, held for a system call."""

cimport cython

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE

from . cimport traceback
from .bytes_object cimport bytes_data, bytes_size, is_bytes
from ..sys.ps_io cimport iovec, ps_io


cdef extern from "Python.h":
    # The macros' raw forms, which count no references: the tuple has one to each item.
    PyObject *tuple_item "PyTuple_GET_ITEM"(object objects, Py_ssize_t i)
    # As it is in C: -1, and the exception is left to the caller.
    int try_buffer "PyObject_GetBuffer"(object exporter, Py_buffer *view, int flags) noexcept


class NotWritable(Exception):
    """One of many objects has no memory that can be written to."""


@cython.final
@cython.freelist(4)
@cython.no_gc  # nobody sees it, so it is in no cycle
cdef class Buffers:
    """The memory of many buffer objects, held while this object lives."""

    def __cinit__(self):
        self.views = NULL
        self.held = 0
        self.iov = self.few
        self.count = 0
        self.total = 0

    cdef int acquire(self, tuple objects, int flags) except -1:
        cdef Py_ssize_t n = PyTuple_GET_SIZE(objects)
        cdef Py_ssize_t i
        cdef PyObject *item
        cdef iovec *iov
        cdef size_t total = 0
        self.objects = objects
        if n > IOV_FEW:
            self.iov = <iovec *>PyMem_Malloc(<size_t>n * sizeof(iovec))
            if self.iov == NULL:
                self.iov = self.few
                raise MemoryError()
        iov = self.iov
        for i in range(n):
            item = tuple_item(objects, i)
            if is_bytes(item) and flags != PyBUF_WRITABLE:
                iov[i].iov_base = bytes_data(item)
                iov[i].iov_len = <size_t>bytes_size(item)
            else:
                self.acquire_view(<object>item, n, &iov[i], flags)
            total += iov[i].iov_len
        self.count = n
        self.total = total
        return 0

    cdef int acquire_view(self, object item, Py_ssize_t n, iovec *iov, int flags) except -1:
        cdef Py_buffer *view
        if self.views == NULL:
            self.views = <Py_buffer *>PyMem_Malloc(<size_t>n * sizeof(Py_buffer))
            if self.views == NULL:
                raise MemoryError()
        view = &self.views[self.held]
        if flags != PyBUF_WRITABLE:
            PyObject_GetBuffer(item, view, flags)
        elif try_buffer(item, view, flags) < 0:
            PyErr_Clear()  # whatever it is, as in CPython
            raise NotWritable()
        self.held += 1
        iov.iov_base = view.buf
        iov.iov_len = <size_t>view.len
        return 0

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.held):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.views)
        if self.iov != self.few:
            PyMem_Free(self.iov)


cdef bint acquire_writable(object buffer, Py_ssize_t nbytes, Py_buffer *view, ps_io *io) except -1:
    """Fill io's buffer; False (nothing held) where the arguments are wrong.

    The only place that bounds what a receive may write into somebody's buffer.
    """
    if try_buffer(buffer, view, PyBUF_WRITABLE) < 0:
        PyErr_Clear()  # whatever it is, as in CPython
        return False
    if not 0 <= nbytes <= view.len:
        PyBuffer_Release(view)
        return False
    io.buf = view.buf
    io.len = <size_t>(nbytes if nbytes > 0 else view.len)
    io.likely = io.len
    io.name = NULL
    io.msg = NULL
    return True
