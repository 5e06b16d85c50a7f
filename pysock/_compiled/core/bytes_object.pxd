"""Bytes objects that a receive writes into. Raw: their references are counted by hand."""

from cpython.object cimport PyObject


cdef extern from "Python.h":
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *data)
    int resize_bytes "_PyBytes_Resize"(PyObject **data, Py_ssize_t size) except -1

cdef extern from "_compiled/core/bytes_object.h":
    bint renew_bytes "pysock_renew_bytes"(PyObject *data)
