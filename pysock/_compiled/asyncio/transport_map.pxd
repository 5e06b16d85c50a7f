"""A loop's transports by their descriptors. The reasons are in transport_map.pyx."""

cdef int add_transport(object loop, object fd, object transport) except -1
cdef bint has_no_transport(object loop, object fd) except -1
