"""TLS of an EventLoop: what asyncio's SSLProtocol and its transport do for each write, in C."""

import asyncio.sslproto

cimport cython

from ..core cimport traceback
from ..core.member cimport get_member, member_is, set_member
from .socket_transport cimport write_data
from .sockets cimport is_bytes_like
from .ssl_objects cimport AgainErrors, encrypt, is_bio, pending_in, read_bio
from .ssl_protocol cimport (
    APP_WRITING_PAUSED, OUTGOING, OUTGOING_HIGH_WATER, OUTGOING_LOW_WATER, SSL_WRITING_PAUSED,
    STATE, TRANSPORT, WRITE_BACKLOG, WRITE_BUFFER_SIZE, is_plain, plain_connection_of,
    plain_protocol_of,
)

cdef enum:
    MAX_RECORD = 16384  # bytes that one record carries (RFC 8446, 5.1)

cdef object base = asyncio.sslproto.SSLProtocol
cdef object base_transport = asyncio.sslproto._SSLProtocolTransport
cdef object WRAPPED = getattr(
    getattr(asyncio.sslproto, "SSLProtocolState", None), "WRAPPED", None)
cdef str FATAL = "Fatal error on SSL protocol"


cdef int write_appdata(object self, list_of_data) except -1:
    """`_write_appdata` of a plain protocol."""
    if not member_is(self, STATE, WRAPPED):
        base._write_appdata(self, list_of_data)
        return 0
    for data in list_of_data:
        append_to_backlog(self, data)
    try:
        do_write(self)
    except Exception as error:
        self._fatal_error(error, FATAL)
    return 0


cdef int append_to_backlog(object self, object data) except -1:
    get_member(self, WRITE_BACKLOG).append(data)
    set_member(self, WRITE_BUFFER_SIZE, get_member(self, WRITE_BUFFER_SIZE) + len(data))
    return 0


cdef int write_one(object self, object data) except -1:
    """`_write_appdata` of one piece. Where nothing waits it does not see the backlog."""
    cdef object connection
    cdef Py_ssize_t count
    if not member_is(self, STATE, WRAPPED) or len(get_member(self, WRITE_BACKLOG)):
        return write_appdata(self, (data,))
    connection = plain_connection_of(self)
    if connection is None:
        return write_appdata(self, (data,))
    try:
        count = 0
        try:
            count = encrypt(connection, data)
        except AgainErrors:
            pass
        finally:
            if count < len(data):
                append_to_backlog(self, data[count:] if count else data)
        process_outgoing(self)
    except Exception as error:
        self._fatal_error(error, FATAL)
    return 0


@cython.binding(False)
def _write_appdata(self, list_of_data):
    if is_plain(self):
        write_appdata(self, list_of_data)
    else:
        base._write_appdata(self, list_of_data)


cdef int do_write(object self) except -1:
    """`_do_write` of a plain protocol."""
    cdef object connection = plain_connection_of(self)
    cdef object backlog = get_member(self, WRITE_BACKLOG)
    cdef object data
    cdef Py_ssize_t count, size
    if connection is None:
        base._do_write(self)
        return 0
    try:
        while len(backlog):
            data = backlog[0]
            count = encrypt(connection, data)
            size = len(data)
            if count < size:
                backlog[0] = data[count:]
                size = count
            else:
                del backlog[0]
            set_member(self, WRITE_BUFFER_SIZE, get_member(self, WRITE_BUFFER_SIZE) - size)
    except AgainErrors:
        pass
    process_outgoing(self)
    return 0


@cython.binding(False)
def _do_write(self):
    if is_plain(self):
        do_write(self)
    else:
        base._do_write(self)


cdef int process_outgoing(object self) except -1:
    """`_process_outgoing` of a plain protocol."""
    cdef object outgoing = get_member(self, OUTGOING)
    cdef Py_ssize_t pending
    if not is_bio(outgoing):
        base._process_outgoing(self)
        return 0
    pending = pending_in(outgoing)
    if pending and member_is(self, SSL_WRITING_PAUSED, False):
        write_data(get_member(self, TRANSPORT), read_bio(outgoing))
        pending = pending_in(outgoing)
    return control_app_writing(self, pending)


@cython.binding(False)
def _process_outgoing(self):
    if is_plain(self):
        process_outgoing(self)
    else:
        base._process_outgoing(self)


cdef int control_app_writing(object self, Py_ssize_t pending) except -1:
    """`_control_app_writing`, where there is something to do."""
    cdef object size = pending + get_member(self, WRITE_BUFFER_SIZE)
    if member_is(self, APP_WRITING_PAUSED, False):
        if size < get_member(self, OUTGOING_HIGH_WATER):
            return 0
    elif size > get_member(self, OUTGOING_LOW_WATER):
        return 0
    base._control_app_writing(self)
    return 0


@cython.binding(False)
def write(self, data):
    cdef object protocol = plain_protocol_of(self) if is_bytes_like(data) and len(data) else None
    if protocol is None:
        base_transport.write(self, data)
    else:
        write_one(protocol, data)


@cython.binding(False)
def writelines(self, list_of_data):
    cdef object protocol = plain_protocol_of(self)
    if protocol is None or type(list_of_data) is not list and type(list_of_data) is not tuple:
        base_transport.writelines(self, list_of_data)
    else:
        write_appdata(protocol, joined(list_of_data))


cdef object joined(object pieces):
    """*pieces*, with those that fit into one record together joined."""
    cdef list found = []
    cdef list together = []
    cdef Py_ssize_t total = 0
    for piece in pieces:
        if not is_bytes_like(piece) or type(piece) is memoryview and not piece.c_contiguous:
            return pieces
        if total + len(piece) > MAX_RECORD and together:
            found.append(b"".join(together) if len(together) > 1 else together[0])
            together, total = [], 0
        together.append(piece)
        total += len(piece)
    if together:
        found.append(b"".join(together) if len(together) > 1 else together[0])
    return found
