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

ctypedef Py_ssize_t (*tls_receive_size)(object protocol) except -1
ctypedef int (*tls_feeder)(object protocol, char *data, Py_ssize_t size) except -1

# ssl_protocol.pyx sets them: how much to receive for a protocol of TLS, and what takes it then.
cdef tls_receive_size size_for_tls
cdef tls_feeder feed_tls

cdef bint is_open(object transport) except -1
cdef int write_data(object transport, object data) except -1
