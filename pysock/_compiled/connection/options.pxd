"""What other modules need of the options of a socket."""

from ..core.socket_object cimport socket


cdef int read_low_water(socket sock) except -1
