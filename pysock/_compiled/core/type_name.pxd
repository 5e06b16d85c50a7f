"""The public name of an extension type."""

from cpython.mem cimport PyMem_RawMalloc
from cpython.object cimport PyTypeObject
from libc.string cimport memcpy


cdef inline int name_as_public(type cls, str package) except -1:
    """Set the `__module__` of *cls* to *package*, as that of the public functions is.

    Cython's types are static: their `__module__` is the part of tp_name before the last dot, and Python
    code cannot set it. The interpreter keeps the pointer for as long as it runs, so the memory is never
    freed.
    """
    cdef bytes name = f"{package}.{cls.__name__}".encode()
    cdef char *text = <char *>PyMem_RawMalloc(<size_t>len(name) + 1)
    if text == NULL:
        raise MemoryError()
    memcpy(text, <const char *>name, <size_t>len(name) + 1)
    (<PyTypeObject *>cls).tp_name = text
    return 0
