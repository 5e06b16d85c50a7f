"""The stream transport's reads, in C.

What a receive brings goes to the protocol: to `data_received`, to the reader of a stream, or to TLS. The
slots of the transport, and what its methods leave to the standard library, are in socket_transport.pyx.
"""

import asyncio.selector_events

cimport cython

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.method cimport PyMethod_Check, PyMethod_GET_FUNCTION, PyMethod_GET_SELF
from cpython.object cimport PyObject

from ..core.member cimport get_member, member_is
from ..core.socket_object cimport socket
from ..io.transfer cimport receive_bytes, receive_to
from ..sys.ps_addr cimport ps_addr_family_known
from . cimport socket_transport
from .handle cimport add_direct_callback
from .loop cimport buffer_of, may_schedule, state_of
from .readers cimport add_reader_of
from .socket_transport cimport (
    CLOSING, CONN_LOST, LOOP, PAUSED, PROTOCOL, READ_READY_CB, SOCK, SOCK_FD, close_plain, has_context,
    is_plain, may_close,
)
from .sockets cimport has_original
from .stream_reader cimport feed, reader_of

cdef object base = asyncio.selector_events._SelectorSocketTransport
cdef object data_received_function = None
cdef object get_buffer_function = None
cdef object close_function = None
cdef object zero = 0


def register_class(cls, /):
    """Make *cls* the class of the transports. It has the functions of this module as methods."""
    global data_received_function, get_buffer_function, close_function
    data_received_function = cls._read_ready__data_received
    get_buffer_function = cls._read_ready__get_buffer
    close_function = cls.close
    add_direct_callback(cls._read_ready, read_ready)
    add_direct_callback(cls._start_reading, start_reading)


cdef inline bint is_method_of(object callback, object function, object instance) noexcept:
    """Whether *callback* is *function* bound to *instance*."""
    return (PyMethod_Check(callback)
            and PyMethod_GET_FUNCTION(callback) == <PyObject *>function
            and PyMethod_GET_SELF(callback) == <PyObject *>instance)


cdef Py_ssize_t no_size(object protocol) except -1:
    return 0


size_for_tls = no_size


cdef int read_ready(object self) except -1:
    cdef object callback
    if not is_plain(self):
        base._read_ready(self)
        return 0
    callback = get_member(self, READ_READY_CB)
    if is_method_of(callback, data_received_function, self):
        read_for_data_received(self, True)
    elif is_method_of(callback, get_buffer_function, self):
        read_for_get_buffer(self, True)
    elif callback is None and not socket_transport.close_drops_reads:  # asyncio's returns if the connection is lost
        pass
    else:
        callback()
    return 0


@cython.binding(False)
def _read_ready(self):
    read_ready(self)


@cython.binding(False)
def _read_ready__data_received(self):
    read_for_data_received(self, is_plain(self))


@cython.binding(False)
def _read_ready__get_buffer(self):
    read_for_get_buffer(self, is_plain(self))


cdef int read_for_data_received(object self, bint may_read) except -1:
    cdef object sock = get_member(self, SOCK) if may_read else None
    cdef object data, protocol, reader
    if not has_original(sock):
        base._read_ready__data_received(self)
        return 0
    data = receive(self, <socket>sock, self.max_size, None)
    if data is None:
        return 0
    protocol = get_member(self, PROTOCOL)
    try:
        reader = reader_of(protocol)
        if reader is None:
            protocol.data_received(data)
        else:
            feed(reader, data)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal error: protocol.data_received() call failed.")
    return 0


cdef int receive_eof(object self) except -1:
    """`_read_ready__on_eof` of a plain transport."""
    cdef object loop = get_member(self, LOOP)
    if (not may_close(self) or not may_schedule(loop)
            or not is_method_of(self.close, close_function, self)):
        self._read_ready__on_eof()
        return 0
    try:
        keep_open = get_member(self, PROTOCOL).eof_received()
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal error: protocol.eof_received() call failed.")
        return 0
    if keep_open:
        loop._remove_reader(get_member(self, SOCK_FD))
    else:
        close_plain(self)
    return 0


cdef int start_reading(object self) except -1:
    """Register for reading, if the transport was neither closed nor paused meanwhile."""
    if has_context or not is_plain(self):
        self._add_reader(self._sock_fd, self._read_ready)
    elif member_is(self, CLOSING, False) and member_is(self, PAUSED, False):
        add_reader_of(get_member(self, LOOP), get_member(self, SOCK_FD), self._read_ready)
    return 0


@cython.binding(False)
def _start_reading(self):
    start_reading(self)


cdef int read_for_get_buffer(object self, bint may_read) except -1:
    """Receive for a BufferedProtocol. That of TLS is given the bytes, without its buffer."""
    cdef object sock = get_member(self, SOCK) if may_read else None
    cdef object received, protocol
    cdef Py_ssize_t size
    cdef bytearray buffer
    protocol = get_member(self, PROTOCOL) if has_original(sock) else None
    size = size_for_tls(protocol)
    if size == 0 or not ps_addr_family_known((<socket>sock).sock_family):
        base._read_ready__get_buffer(self)
        return 0
    buffer = buffer_of(state_of(get_member(self, LOOP)))
    received = receive(self, <socket>sock, min(size, PyByteArray_GET_SIZE(buffer)), buffer)
    if received is None:
        return 0
    try:
        feed_tls(protocol, PyByteArray_AS_STRING(buffer), received)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal error: protocol.buffer_updated() call failed.")
    return 0


cdef object receive(object self, socket sock, Py_ssize_t size, bytearray buffer):
    """Receive up to *size* bytes: new bytes, or with a *buffer* how many are in it.

    None where there are none, and what that means has been done.
    """
    cdef object data
    if not member_is(self, CONN_LOST, zero):
        return None
    try:
        if buffer is None:
            data = receive_bytes(sock, size)
        else:
            data = receive_to(sock, PyByteArray_AS_STRING(buffer), size)
    except (BlockingIOError, InterruptedError):
        return None
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal read error on socket transport")
        return None
    if data:
        return data
    receive_eof(self)
    return None
