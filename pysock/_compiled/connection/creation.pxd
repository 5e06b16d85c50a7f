"""Accepting a connection for an event loop. The reasons are in creation.pyx."""

from ..core.socket_object cimport socket

cdef bint accepts_here(object listener) except -1
cdef object accept_as(socket self, object cls, bint blocking)
