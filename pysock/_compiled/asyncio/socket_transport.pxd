"""What a StreamWriter asks of its transport. The reasons are in socket_transport.pyx."""

cdef bint is_open(object transport) except -1
