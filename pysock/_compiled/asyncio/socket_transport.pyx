"""The stream transport's reads and writes, in C.

The transport is the standard library's `_SelectorSocketTransport` with slots for what is read at each
event. Its methods here make the system call themselves where they can, and leave the rest to the standard
library's method, before they have done anything: closing, errors, a write that the kernel does not take
whole.

A loop may coalesce writes. Then what a callback writes is kept in `_unsent` until the callback returns,
and leaves in one system call (loop.pyx). Frameworks write the head and the body of a response one after
the other. Whatever could show the difference flushes first: event_loop.py has these methods.
"""

import asyncio
import asyncio.base_events
import asyncio.selector_events
import asyncio.transports
import sys

cimport cython

from cpython.method cimport PyMethod_Check, PyMethod_GET_FUNCTION, PyMethod_GET_SELF
from cpython.object cimport PyObject

from ..core.member cimport get_member, member, member_is, member_of, set_member
from ..core.socket_object cimport socket
from ..core.tracing cimport is_traced
from ..io.transfer cimport receive_bytes, send_bytes
from ..sys.ps_addr cimport AF_INET, AF_INET6
from ..sys.ps_socket cimport IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY
from .handle cimport add_direct_callback
from .loop cimport LoopState, coalescing_state_of
from . cimport loop as loop_module
from .original_methods cimport OriginalMethods
from .sockets cimport has_original, is_bytes_like
from .stream_reader cimport feed, reader_of


cdef object base = asyncio.selector_events._SelectorSocketTransport
cdef object memoryview_type = memoryview
# Since Python 3.12 it is a deque of buffers, and a bytearray before.
cdef bint buffer_is_deque = sys.version_info >= (3, 12)
# Since Python 3.15 a transport has the context of its callbacks, and counts the bytes of the buffer.
cdef bint has_context = sys.version_info >= (3, 15)

cdef tuple METHODS = (
    "_read_ready", "_read_ready__data_received", "_read_ready__get_buffer", "write",
    "_maybe_pause_protocol", "max_size",
)
cdef OriginalMethods methods = OriginalMethods(base, METHODS)
# What makes a transport: a function for each class. `transports.py` goes round them.
cdef object selector_transport = asyncio.selector_events._SelectorTransport
cdef object flow_control = asyncio.transports._FlowControlMixin
cdef OriginalMethods init = OriginalMethods(base, ("__init__", "set_protocol", "_set_write_buffer_limits"))
cdef OriginalMethods selector_init = OriginalMethods(selector_transport, ("__init__",))
cdef OriginalMethods flow_control_init = OriginalMethods(flow_control, ("__init__",))

cdef member *SOCK = NULL
cdef member *PROTOCOL = NULL
cdef member *BUFFER = NULL
cdef member *CONN_LOST = NULL
cdef member *EOF = NULL
cdef member *EMPTY_WAITER = NULL
cdef member *READ_READY_CB = NULL
cdef member *UNSENT = NULL
cdef member *LOOP = member_of(base, "_loop")
cdef member *HIGH_WATER = member_of(base, "_high_water")
cdef object data_received_function = None
cdef object zero = 0
cdef object transport_class = None

SLOTS = (
    "_sock", "_protocol", "_buffer", "_conn_lost", "_eof", "_empty_waiter", "_read_ready_cb", "_unsent",
)

cdef enum:
    MAX_COALESCED = 16384  # bytes of one write that is kept until the callback returns


def register_class(cls, /):
    """Make *cls* the class of the transports. It has SLOTS, and the functions of this module as methods."""
    global SOCK, PROTOCOL, BUFFER, CONN_LOST, EOF, EMPTY_WAITER, READ_READY_CB, data_received_function
    global UNSENT, transport_class
    transport_class = cls
    SOCK, PROTOCOL = member_of(cls, "_sock"), member_of(cls, "_protocol")
    BUFFER, CONN_LOST = member_of(cls, "_buffer"), member_of(cls, "_conn_lost")
    EOF, EMPTY_WAITER = member_of(cls, "_eof"), member_of(cls, "_empty_waiter")
    READ_READY_CB, UNSENT = member_of(cls, "_read_ready_cb"), member_of(cls, "_unsent")
    data_received_function = cls._read_ready__data_received
    methods.register_class(cls)
    init.register_class(cls)
    add_direct_callback(cls._read_ready, read_ready)


@cython.binding(False)
def has_original_init(cls):
    """Whether nobody has replaced what makes a transport, and *cls* overrides none of it."""
    return (init.are_those_of(cls) and selector_init.are_those_of(selector_transport)
            and flow_control_init.are_those_of(flow_control))


@cython.binding(False)
def set_nodelay(sock):
    """`asyncio.base_events._set_nodelay`, which asks for the socket's family and type as enums."""
    cdef socket usual
    if not has_original(sock):
        asyncio.base_events._set_nodelay(sock)
        return
    usual = <socket>sock
    if (usual.sock_type == SOCK_STREAM and usual.sock_proto == IPPROTO_TCP
            and (usual.sock_family == AF_INET or usual.sock_family == AF_INET6)):
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)


cdef inline bint is_of_class(object transport) except -1:
    return type(transport) is transport_class or isinstance(transport, transport_class)


cdef inline bint is_plain(object transport) except -1:
    """Whether *transport* has slots, and C code may go round its methods."""
    return (is_of_class(transport) and not is_traced()
            and methods.are_those_of(type(transport)))


cdef inline bint is_method_of(object callback, object function, object instance) noexcept:
    """Whether *callback* is *function* bound to *instance*."""
    return (PyMethod_Check(callback)
            and PyMethod_GET_FUNCTION(callback) == <PyObject *>function
            and PyMethod_GET_SELF(callback) == <PyObject *>instance)


cdef int read_ready(object self) except -1:
    cdef object callback
    if not is_plain(self):
        base._read_ready(self)
        return 0
    callback = get_member(self, READ_READY_CB)
    if is_method_of(callback, data_received_function, self):
        read_for_data_received(self)
    else:
        callback()
    return 0


@cython.binding(False)
def _read_ready(self):
    read_ready(self)


@cython.binding(False)
def _read_ready__data_received(self):
    read_for_data_received(self)


cdef int read_for_data_received(object self) except -1:
    cdef object sock = get_member(self, SOCK) if is_plain(self) else None
    cdef object data, protocol, reader
    if not has_original(sock):
        base._read_ready__data_received(self)
        return 0
    if not member_is(self, CONN_LOST, zero):
        return 0
    try:
        data = receive_bytes(<socket>sock, self.max_size)
    except (BlockingIOError, InterruptedError):
        return 0
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal read error on socket transport")
        return 0
    if not data:
        self._read_ready__on_eof()
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


cdef inline bint can_write(object self, object sock, object data) except -1:
    """Whether C code may send *data*: nothing is buffered, closing, or failed."""
    return (has_original(sock) and is_bytes_like(data) and member_is(self, EOF, False)
            and member_is(self, EMPTY_WAITER, None) and is_empty(self) and len(data) != 0)


cdef inline bint is_empty(object self) except -1:
    """Whether nothing is buffered, and the connection is not lost."""
    return member_is(self, CONN_LOST, zero) and len(get_member(self, BUFFER)) == 0


@cython.binding(False)
def write(self, data):
    cdef object sock = get_member(self, SOCK) if is_plain(self) else None
    cdef LoopState state
    if not can_write(self, sock, data):
        if is_of_class(self):
            flush(self)
        return base.write(self, data)
    state = coalescing_state_of(get_member(self, LOOP))
    if state is not None and len(data) <= MAX_COALESCED:
        keep_unsent(self, state, data if type(data) is bytes else bytes(data))
        return None
    if not member_is(self, UNSENT, None):
        flush(self)
        if not is_empty(self):
            return base.write(self, data)
    send_now(self, <socket>sock, data)
    return None


cdef int keep_unsent(object self, LoopState state, bytes data) except -1:
    """Keep *data* until the callback returns, or send all where that is above the high-water mark."""
    cdef object unsent = get_member(self, UNSENT)
    if unsent is None:
        set_member(self, UNSENT, data)
        if state.unflushed is None:
            state.unflushed = self
        elif type(state.unflushed) is list:
            (<list>state.unflushed).append(self)
        else:
            state.unflushed = [state.unflushed, self]
    else:
        if type(unsent) is bytes:
            unsent = bytearray(<bytes>unsent)
            set_member(self, UNSENT, unsent)
        unsent += data
    if len(get_member(self, UNSENT)) > get_member(self, HIGH_WATER):
        flush(self)
    return 0


cdef int flush(object self) except -1:
    """Send what was kept until the callback returns."""
    cdef object data = get_member(self, UNSENT)
    if data is None:
        return 0
    set_member(self, UNSENT, None)
    # `write` has looked at the rest. Only a method that flushes first changes it.
    if is_empty(self):
        send_now(self, <socket?>get_member(self, SOCK), data)
    else:
        base.write(self, data)
    return 0


loop_module.flush_transport = flush


@cython.binding(False)
def _flush(self):
    if is_of_class(self):
        flush(self)


cdef int send_now(object self, socket sock, object data) except -1:
    cdef Py_ssize_t sent
    try:
        sent = send_bytes(sock, data)
    except (BlockingIOError, InterruptedError):
        sent = 0
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal write error on socket transport")
        return 0
    if sent != (len(data) if type(data) is not memoryview_type else data.nbytes):
        keep(self, data, sent)
    return 0


cdef int keep(object self, object data, Py_ssize_t sent) except -1:
    """Keep what of *data* was not sent, until the socket is writable."""
    cdef object rest
    if buffer_is_deque:
        rest = memoryview(data)[sent:]
        if has_context:
            self._add_writer(self._sock_fd, self._write_ready)
            self._buffer_size += len(rest)
        else:
            self._loop._add_writer(self._sock_fd, self._write_ready)
        get_member(self, BUFFER).append(rest)
    else:
        rest = data[sent:]
        self._loop._add_writer(self._sock_fd, self._write_ready)
        get_member(self, BUFFER).extend(rest)
    self._maybe_pause_protocol()
    return 0
