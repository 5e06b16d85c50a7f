"""TLS of an EventLoop: what asyncio's SSLProtocol does for each receive, in C.

What a receive brings is decrypted at once, as asyncio does, and given to the application in one piece. A
transport of this package gives what it has received to `feed_records`; others fill the protocol's buffer,
and call its methods.
"""

import asyncio.sslproto

cimport cython

from cpython.bytes cimport PyBytes_GET_SIZE

from ..core cimport traceback
from ..core.member cimport get_member, member_is
from . cimport transport_read
from .loop cimport state_of
from .ssl_objects cimport (
    AgainErrors, decrypt_all, is_bio, pending_in, read_into_buffer, write_bio,
)
from .ssl_protocol cimport (
    APP_PROTOCOL, APP_PROTOCOL_BUFFER_UPDATED, APP_PROTOCOL_GET_BUFFER, APP_PROTOCOL_IS_BUFFER,
    APP_READING_PAUSED, INCOMING, INCOMING_HIGH_WATER, INCOMING_LOW_WATER, LOOP,
    SSL_BUFFER_VIEW, SSL_READING_PAUSED, STATE, WRITE_BACKLOG, is_plain, plain_connection_of,
)
from .ssl_writing cimport do_write, process_outgoing
from .stream_reader cimport feed, reader_of

cdef object base = asyncio.sslproto.SSLProtocol
cdef object States = getattr(asyncio.sslproto, "SSLProtocolState", None)
cdef object DO_HANDSHAKE = getattr(States, "DO_HANDSHAKE", None)
cdef object WRAPPED = getattr(States, "WRAPPED", None)
cdef object FLUSHING = getattr(States, "FLUSHING", None)
cdef object SHUTDOWN = getattr(States, "SHUTDOWN", None)
cdef str FATAL = "Fatal error on SSL protocol"
# A plain protocol has this size still.
cdef Py_ssize_t MAX_SIZE = base.max_size if hasattr(base, "max_size") else 0


cdef Py_ssize_t receive_size(object protocol) except -1:
    """How many bytes to receive for *protocol*; 0 where it is not a plain one."""
    return MAX_SIZE if is_plain(protocol) else 0


cdef int feed_records(object protocol, char *data, Py_ssize_t size) except -1:
    """`buffer_updated` of a plain protocol, for *data* that was not received into its buffer."""
    incoming = get_member(protocol, INCOMING)
    if is_bio(incoming):
        write_bio(incoming, data, size)
    else:
        incoming.write(data[:size])
    return go_on(protocol)


cdef int go_on(object protocol) except -1:
    """Do what the state asks for when records have come."""
    cdef object state = get_member(protocol, STATE)
    if state is WRAPPED:
        do_read(protocol)
    elif state is DO_HANDSHAKE:
        protocol._do_handshake()
    elif state is FLUSHING:
        protocol._do_flush()
    elif state is SHUTDOWN:
        protocol._do_shutdown()
    return 0


@cython.binding(False)
def buffer_updated(self, nbytes):
    if not is_plain(self):
        base.buffer_updated(self, nbytes)
        return
    get_member(self, INCOMING).write(get_member(self, SSL_BUFFER_VIEW)[:nbytes])
    go_on(self)


cdef int do_read(object self) except -1:
    """`_do_read` of a plain protocol."""
    cdef object state = get_member(self, STATE)
    if state is not WRAPPED and state is not FLUSHING:
        return 0
    try:
        if member_is(self, APP_READING_PAUSED, False):
            if not member_is(self, APP_PROTOCOL_IS_BUFFER, False):
                read_buffered(self)
            else:
                read_copied(self)
            if len(get_member(self, WRITE_BACKLOG)):
                do_write(self)
            else:
                process_outgoing(self)
        control_ssl_reading(self)
    except Exception as error:
        self._fatal_error(error, FATAL)
    return 0


@cython.binding(False)
def _do_read(self):
    if is_plain(self):
        do_read(self)
    else:
        base._do_read(self)


cdef int read_copied(object self) except -1:
    cdef object connection = plain_connection_of(self)
    cdef object protocol, reader
    cdef bint is_at_end = False
    cdef bytes data
    if connection is None:
        base._do_read__copied(self)
        return 0
    data = decrypt_all(
        connection, get_member(self, INCOMING), state_of(get_member(self, LOOP)), &is_at_end)
    if PyBytes_GET_SIZE(data):
        protocol = get_member(self, APP_PROTOCOL)
        reader = reader_of(protocol)
        if reader is None:
            protocol.data_received(data)
        else:
            feed(reader, data)
    if is_at_end:
        self._call_eof_received()
        self._start_shutdown()
    return 0


@cython.binding(False)
def _do_read__copied(self):
    if is_plain(self):
        read_copied(self)
    else:
        base._do_read__copied(self)


cdef int read_buffered(object self) except -1:
    """`_do_read__buffered`: the application's own buffer is filled."""
    cdef object connection = plain_connection_of(self)
    cdef object incoming = get_member(self, INCOMING)
    cdef object buffer
    cdef Py_ssize_t wanted
    cdef Py_ssize_t filled = 0
    cdef bint is_at_end = False
    if connection is None:
        base._do_read__buffered(self)
        return 0
    buffer = get_member(self, APP_PROTOCOL_GET_BUFFER)(pending_in(incoming))
    wanted = len(buffer)
    try:
        filled = read_into_buffer(connection, wanted, buffer)
        is_at_end = filled == 0
        while not is_at_end and filled < wanted and pending_in(incoming):
            n = read_into_buffer(connection, wanted - filled, buffer[filled:])
            is_at_end = n == 0
            filled += n
        if filled and filled == wanted:
            get_member(self, LOOP).call_soon(self._do_read)
    except AgainErrors:
        pass
    if filled > 0:
        get_member(self, APP_PROTOCOL_BUFFER_UPDATED)(filled)
    if is_at_end:
        self._call_eof_received()
        self._start_shutdown()
    return 0


@cython.binding(False)
def _do_read__buffered(self):
    if is_plain(self):
        read_buffered(self)
    else:
        base._do_read__buffered(self)


cdef int control_ssl_reading(object self) except -1:
    """`_control_ssl_reading`, where there is something to do."""
    cdef object incoming = get_member(self, INCOMING)
    cdef object size
    if is_bio(incoming):
        size = pending_in(incoming)
        if member_is(self, SSL_READING_PAUSED, False):
            if size < get_member(self, INCOMING_HIGH_WATER):
                return 0
        elif size > get_member(self, INCOMING_LOW_WATER):
            return 0
    base._control_ssl_reading(self)
    return 0


transport_read.size_for_tls = receive_size
transport_read.feed_tls = feed_records
