"""Buffers of other objects, acquired for one system call.

A buffer stays acquired until the system call has returned. Until then its owner can neither free nor
resize the memory, whatever another thread or a signal handler does.
"""

from ..._shared.arguments import not_writable

cimport cython

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_Clear, PyErr_ExceptionMatches
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE

from . cimport traceback
from .bytes_object cimport bytes_data, bytes_size, is_bytes
from ..sys.ps_io cimport iovec, ps_io


cdef extern from "Python.h":
    # Declared with a raw pointer, so that no reference is counted. The tuple has a reference to each
    # item.
    PyObject *tuple_item "PyTuple_GET_ITEM"(object objects, Py_ssize_t i)
    # Declared noexcept, so that the caller decides what becomes of the exception.
    int try_get_buffer "PyObject_GetBuffer"(object exporter, Py_buffer *view, int flags) noexcept


class NotWritable(Exception):
    """One of the objects has no writable buffer."""


@cython.final
@cython.freelist(4)
@cython.no_gc  # no Python code can get a reference, so it is in no cycle
cdef class Buffers:
    """The buffers of many objects. They are released when this object is deallocated."""

    def __cinit__(self):
        self.views = NULL
        self.view_count = 0
        self.iov = self.inline_iov
        self.count = 0
        self.total = 0

    cdef int acquire(self, tuple objects, int flags) except -1:
        cdef Py_ssize_t n = PyTuple_GET_SIZE(objects)
        cdef Py_ssize_t i
        cdef PyObject *item
        cdef iovec *iov
        cdef size_t total = 0
        self.objects = objects
        if n > INLINE_BUFFERS:
            self.iov = <iovec *>PyMem_Malloc(<size_t>n * sizeof(iovec))
            if self.iov == NULL:
                self.iov = self.inline_iov
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
        view = &self.views[self.view_count]
        if flags != PyBUF_WRITABLE:
            PyObject_GetBuffer(item, view, flags)
        elif try_get_buffer(item, view, flags) < 0:
            PyErr_Clear()  # any exception: CPython does the same
            raise NotWritable()
        self.view_count += 1
        iov.iov_base = view.buf
        iov.iov_len = <size_t>view.len
        return 0

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.view_count):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.views)
        if self.iov != self.inline_iov:
            PyMem_Free(self.iov)


cdef bint acquire_writable(object buffer, Py_ssize_t nbytes, Py_buffer *view, ps_io *io) except -1:
    """Acquire *buffer* for a receive of *nbytes* bytes, or of its whole size where that is 0.

    False, with nothing acquired, for a wrong argument. The length of *io* is checked here against the
    size of the buffer, so that no receive writes past its end.
    """
    if try_get_buffer(buffer, view, PyBUF_WRITABLE) < 0:
        PyErr_Clear()  # any exception: CPython does the same
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


cdef int acquire_writable_for(object buffer, Py_buffer *view, str call) except -1:
    """Acquire a writable *buffer*, or raise the TypeError that says what *call* needs."""
    if try_get_buffer(buffer, view, PyBUF_WRITABLE) < 0:
        if PyErr_ExceptionMatches(MemoryError) or not PyErr_ExceptionMatches(Exception):
            return -1
        PyErr_Clear()  # any other exception: CPython does the same
        raise not_writable(buffer, call)
    return 0
