"""What an event loop does with a socket, without Python functions. The reasons are in lifecycle.pyx."""

from ..core.socket_object cimport socket

cdef object sockname_of(socket self)
cdef int close_usual(socket sock) except -1
