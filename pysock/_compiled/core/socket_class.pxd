"""The class of the sockets that are made here, and whether a socket's class overrides a method."""

from .socket_object cimport socket

cdef object socket_class  # pysock.socket

cdef bint overrides(socket sock, str method) except -1
cdef bint is_stream(socket sock, str method) except -1
