from ..core.socket_object cimport socket


cdef int heed_low_water(socket sock) except -1
