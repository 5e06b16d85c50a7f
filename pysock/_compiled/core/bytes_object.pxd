"""Bytes objects that a receive writes into. Raw: their references are counted by hand."""

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF


cdef extern from "Python.h":
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *data)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject *data)
    bint is_bytes "PyBytes_CheckExact"(PyObject *data)
    int resize_bytes "_PyBytes_Resize"(PyObject **data, Py_ssize_t size) except -1

cdef extern from "_compiled/core/bytes_object.h":
    bint renew_bytes "pysock_renew_bytes"(PyObject *data)


cdef enum:
    STACK_BYTES = 4096  # what is received or gathered on the C stack, rather than in memory of its own


cdef inline object cut_bytes(PyObject **data, size_t size):
    """The bytes object *data*, cut to *size*. Nobody else has it, and the caller loses it."""
    cdef PyObject *whole
    resize_bytes(data, <Py_ssize_t>size)
    whole = data[0]
    data[0] = NULL
    result = <object>whole
    Py_DECREF(result)
    return result
