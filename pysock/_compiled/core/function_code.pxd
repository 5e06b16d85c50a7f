"""Whether a Python function still has its code. A class gets no new version when a tool replaces it."""

from cpython.object cimport PyObject

cdef extern from "Python.h":
    bint PyFunction_Check(object thing)
    PyObject *PyFunction_GetCode(object function) except NULL


cdef inline bint has_code(object value, object code) except -1:
    """Whether *value* is a Python function with this very *code*."""
    return PyFunction_Check(value) and PyFunction_GetCode(value) == <PyObject *>code
