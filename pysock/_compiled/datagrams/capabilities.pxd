from ..core.socket_object cimport socket


cdef int gso_segments(socket sock) except -1
cdef int gro_joins(socket sock) except -1
