"""How TLS is given what a stream transport receives. The reasons are in transport_read.pyx."""

ctypedef Py_ssize_t (*tls_receive_size)(object protocol) except -1
ctypedef int (*tls_feeder)(object protocol, char *data, Py_ssize_t size) except -1

# ssl_reading.pyx sets them: how much to receive for a protocol of TLS, and what takes it then.
cdef tls_receive_size size_for_tls
cdef tls_feeder feed_tls
