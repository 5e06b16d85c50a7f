from ._sockobject cimport socket


cdef int heed_low_water(socket sock) except -1
