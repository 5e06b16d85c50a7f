"""Accepting a connection from C code. The reasons are in lifecycle.pyx."""

from ..core.socket_object cimport socket

cdef object accept_as(socket self, object cls)
