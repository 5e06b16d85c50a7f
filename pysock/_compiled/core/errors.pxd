"""Exceptions from the -errno that csrc returns. No other module makes them."""

from cpython.exc cimport PyErr_SetFromErrno
from libc cimport errno as c_errno


cdef extern from "_compiled/core/traceback.h":
    pass


cdef inline int raise_errno(ssize_t error) except -1:
    """Raise OSError for *error*, a -errno. The interpreter chooses the subclass, as for its own."""
    c_errno.errno = <int>-error
    PyErr_SetFromErrno(OSError)
    return -1


cdef inline int raise_timed_out() except -1:
    raise TimeoutError("timed out")
