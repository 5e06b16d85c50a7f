"""Arguments as C values.

The exact_ functions and `fits_int` never run Python code. What they do not accept is for the base
class's method, which gets the same arguments and says what is wrong with them, if anything.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLong, PyLong_Check, PyLong_CheckExact
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport int64_t
from libc.string cimport strlen


cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1


cdef inline const char *exact_text(object text) except? NULL:
    """The C string of an ASCII str, or of bytes, without a NUL inside; NULL for anything else."""
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


cdef inline int64_t exact_number(object number, int64_t most) except? -1:
    """*number* if it is exactly an int, from 0 to *most*; -1 for anything else.

    A C long may have 32 bits, and so no room for all numbers of 32 bits and for -1.
    """
    cdef int overflow = 0
    cdef int64_t value
    if not PyLong_CheckExact(number):
        return -1
    value = PyLong_AsLongLongAndOverflow(number, &overflow)  # -1 after an overflow
    return value if 0 <= value <= most else -1


cdef inline bint fits_int(object number, int *value) except -1:
    """Set *value* if *number* is an int, or of a subclass, that a C int can hold; return whether it is.

    MSG_PEEK and the other constants are of a subclass.
    """
    cdef int overflow = 0
    cdef long wide
    if number is 0:  # flags that are not given
        value[0] = 0
        return True
    if not PyLong_Check(number):
        return False
    wide = PyLong_AsLongAndOverflow(number, &overflow)
    value[0] = <int>wide
    return not overflow and value[0] == wide


cdef inline int as_int(object number) except? -1:
    """*number* as a C int. As in CPython, `__index__` is called, and a float is a TypeError."""
    return ssize_as_int(PyLong_AsLong(number))


cdef inline int ssize_as_int(Py_ssize_t number) except? -1:
    """The C int of an argument that was declared Py_ssize_t, which Cython converts in the same way."""
    if number != <int>number:
        raise OverflowError("signed integer is greater than maximum" if number > 0
                            else "signed integer is less than minimum")
    return <int>number
