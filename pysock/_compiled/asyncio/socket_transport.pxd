"""What others call of a stream transport without a Python frame. The reasons are in socket_transport.pyx."""

from ..core.member cimport member

# The slots of a transport.
cdef member *SOCK
cdef member *PROTOCOL
cdef member *BUFFER
cdef member *CONN_LOST
cdef member *EOF
cdef member *EMPTY_WAITER
cdef member *READ_READY_CB
cdef member *UNSENT
cdef member *CLOSING
cdef member *PAUSED
cdef member *SOCK_FD
cdef member *PROTOCOL_CONNECTED
cdef member *SERVER
cdef member *LOOP

cdef bint has_context
cdef bint close_drops_reads

cdef bint is_plain(object transport) except -1
cdef bint is_open(object transport) except -1
cdef int write_data(object transport, object data) except -1
cdef bint may_close(object self) except -1
cdef int close_plain(object self) except -1
