"""Under which name a type in C is known."""

from cpython.mem cimport PyMem_RawMalloc
from cpython.object cimport PyTypeObject
from libc.string cimport memcpy


cdef inline int name_as_public(type cls, str module) except -1:
    """Make *cls* say that it is of the package that *module*, which made it, is in.

    A type in C has its module's name in its own, and `__module__` cannot be set. The memory is never
    freed: neither is the type.
    """
    cdef bytes name = f"{module.rpartition('.')[0]}.{cls.__name__}".encode()
    cdef char *kept = <char *>PyMem_RawMalloc(<size_t>len(name) + 1)
    if kept == NULL:
        raise MemoryError()
    memcpy(kept, <const char *>name, <size_t>len(name) + 1)
    (<PyTypeObject *>cls).tp_name = kept
    return 0
