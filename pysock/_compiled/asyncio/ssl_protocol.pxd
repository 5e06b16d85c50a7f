"""asyncio's protocol of TLS: its slots, and whether C code may go round its methods.

The reasons are in ssl_protocol.pyx.
"""

from ..core.member cimport member

# The slots of a protocol, and that of its transport.
cdef member *APP_PROTOCOL
cdef member *APP_PROTOCOL_BUFFER_UPDATED
cdef member *APP_PROTOCOL_GET_BUFFER
cdef member *APP_PROTOCOL_IS_BUFFER
cdef member *APP_READING_PAUSED
cdef member *APP_WRITING_PAUSED
cdef member *INCOMING
cdef member *INCOMING_HIGH_WATER
cdef member *INCOMING_LOW_WATER
cdef member *LOOP
cdef member *OUTGOING
cdef member *OUTGOING_HIGH_WATER
cdef member *OUTGOING_LOW_WATER
cdef member *SSL_BUFFER_VIEW
cdef member *SSL_READING_PAUSED
cdef member *SSL_WRITING_PAUSED
cdef member *SSLOBJ
cdef member *STATE
cdef member *TRANSPORT
cdef member *WRITE_BACKLOG
cdef member *WRITE_BUFFER_SIZE
cdef member *SSL_PROTOCOL

cdef bint is_plain(object protocol) except -1
cdef object plain_connection_of(object protocol)
cdef object plain_protocol_of(object transport)
