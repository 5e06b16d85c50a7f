"""Whether a Python function still has its code. A class gets no new version when a tool replaces it."""

from cpython.object cimport PyObject

cdef extern from "Python.h":
    bint PyFunction_Check(object thing)
    PyObject *PyFunction_GetCode(object function) except NULL
    PyObject *PyFunction_GET_CODE(PyObject *function)

# Pointers that are compared at each call. Who keeps them has the references.
cdef struct function_and_code:
    PyObject *function  # a Python function
    PyObject *code      # the code that it had


cdef inline bint have_code(const function_and_code *functions, int count) noexcept:
    """Whether each of the functions still has its code."""
    cdef int i
    for i in range(count):
        if PyFunction_GET_CODE(functions[i].function) != functions[i].code:
            return False
    return True


cdef inline bint has_code(object value, object code) except -1:
    """Whether *value* is a Python function with this very *code*."""
    return PyFunction_Check(value) and PyFunction_GetCode(value) == <PyObject *>code
