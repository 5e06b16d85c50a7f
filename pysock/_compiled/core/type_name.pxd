"""Under which name a type in C is known."""

from cpython.mem cimport PyMem_RawMalloc
from cpython.object cimport PyTypeObject
from libc.string cimport memcpy


cdef inline int name_as_public(type cls, str package) except -1:
    """Make *cls* say that it is of *package*, as the functions that are public do.

    Cython's types are static ones: `__module__` is what stands before the last dot of tp_name, and
    cannot be set. The interpreter reads tp_name and never frees it, so the memory is never freed.
    """
    cdef bytes name = f"{package}.{cls.__name__}".encode()
    cdef char *text = <char *>PyMem_RawMalloc(<size_t>len(name) + 1)
    if text == NULL:
        raise MemoryError()
    memcpy(text, <const char *>name, <size_t>len(name) + 1)
    (<PyTypeObject *>cls).tp_name = text
    return 0
