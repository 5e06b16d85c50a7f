"""The class `pysock.socket`, and whether the class of a socket overrides one of its methods."""

from .socket_object cimport socket

cdef object socket_class  # pysock.socket; None until register_class

cdef bint overrides(socket sock, str method) except -1
cdef bint is_stream(socket sock, str method) except -1
