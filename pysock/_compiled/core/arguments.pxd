"""Plain arguments: exact types and values in range, taken apart without running Python code."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact
from libc.string cimport strlen


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    bint PyLong_CheckExact(object number)
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    long PyLong_AsLong(object number) except? -1


cdef inline const char *plain_text(object text) except? NULL:
    """The C string of an ASCII str, or of bytes, without NUL inside; NULL for anything else."""
    cdef Py_ssize_t size
    cdef const char *characters
    if PyUnicode_CheckExact(text):
        if not PyUnicode_IS_COMPACT_ASCII(text):
            return NULL
        characters = PyUnicode_AsUTF8AndSize(text, &size)
    elif PyBytes_CheckExact(text):
        characters = PyBytes_AS_STRING(text)
        size = PyBytes_GET_SIZE(text)
    else:
        return NULL
    return characters if <size_t>size == strlen(characters) else NULL


cdef inline long plain_number(object number, long most) except? -1:
    """*number* if it is a plain int from 0 to *most*, else -1."""
    cdef int overflow = 0
    cdef long value
    if not PyLong_CheckExact(number):
        return -1
    value = PyLong_AsLongAndOverflow(number, &overflow)
    return value if not overflow and 0 <= value <= most else -1


cdef inline int as_int(object number) except? -1:
    """A C int of *number*, by the interpreter's rule: `__index__` counts, a float does not."""
    return int_of(PyLong_AsLong(number))


cdef inline int int_of(Py_ssize_t number) except? -1:
    """A C int of an argument that was declared Py_ssize_t, which converts by that rule."""
    if number != <int>number:
        raise OverflowError("signed integer is out of the range of a C int")
    return <int>number
