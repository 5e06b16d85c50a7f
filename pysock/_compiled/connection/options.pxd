from ..core.socket_object cimport socket


cdef int read_low_water(socket sock) except -1
