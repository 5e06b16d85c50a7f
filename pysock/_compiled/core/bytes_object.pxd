"""Bytes objects that a receive writes into. They are raw pointers: the caller counts references."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF


cdef extern from "Python.h":
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *data)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject *data)
    bint is_bytes "PyBytes_CheckExact"(PyObject *data)
    int resize_bytes "_PyBytes_Resize"(PyObject **data, Py_ssize_t size) except -1

cdef extern from "_compiled/core/bytes_object.h":
    bint reuse_bytes "pysock_reuse_bytes"(PyObject *data)


cdef enum:
    STACK_BYTES = 4096  # up to this size a call uses a buffer on the C stack and allocates none


cdef inline object cut_bytes(PyObject **data, size_t size):
    """Cut *data* to *size* and return it. The caller's reference, the only one, goes to the result."""
    cdef PyObject *whole
    resize_bytes(data, <Py_ssize_t>size)
    whole = data[0]
    data[0] = NULL
    result = <object>whole
    Py_DECREF(result)
    return result
