"""The stream transport: its slots, its writes and its end, in C. transport_read.pyx has its reads.

The transport is the standard library's `_SelectorSocketTransport` with slots for what is read at each
event. Its methods here make the system call themselves where they can, and leave the rest to the standard
library's method, before they have done anything: closing, errors, a write that the kernel does not take
whole.

A loop may coalesce writes. Then what a callback writes is kept in `_unsent` until the callback returns,
and leaves in one system call (loop.pyx). Frameworks write the head and the body of a response one after
the other. Whatever could show the difference flushes first: transports.py has these methods.
"""

import asyncio
import asyncio.base_events
import asyncio.selector_events
import sys

cimport cython

from cpython.dict cimport PyDict_Contains

from ..core.instance_dict cimport generic_dict
from ..core.member cimport get_member, member, member_is, member_of, set_member
from ..core.socket_object cimport socket
from ..core.tracing cimport is_traced
from ..io.transfer cimport send_bytes
from .loop cimport LoopState, call_soon_plain, coalescing_state_of
from . cimport loop as loop_module
from .original_methods cimport OriginalMethods
from .readers cimport remove_both
from .sockets cimport close_socket, has_original, is_bytes_like

cdef object base = asyncio.selector_events._SelectorSocketTransport
cdef object memoryview_type = memoryview
# Since Python 3.12 it is a deque of buffers, and a bytearray before.
cdef bint buffer_is_deque = sys.version_info >= (3, 12)
# Since Python 3.15 a transport has the context of its callbacks, and counts the bytes of the buffer.
cdef bint has_context = sys.version_info >= (3, 15)

cdef tuple METHODS = (
    "_add_reader", "_call_connection_lost", "_maybe_pause_protocol", "_read_ready",
    "_read_ready__data_received", "_read_ready__get_buffer", "_read_ready__on_eof", "close",
    "is_closing", "is_reading", "max_size", "write",
)
cdef OriginalMethods methods = OriginalMethods(base, METHODS)
# Since Python 3.12 `close` of the class drops callbacks, and calls that of the base class. Later versions
# keep the one that writes: resume_writing() may write after close().
cdef object selector_transport = asyncio.selector_events._SelectorTransport
cdef OriginalMethods selector_methods = OriginalMethods(
    selector_transport, ("_call_connection_lost", "close"))
# transports.py finds them out.
cdef bint close_drops_reads = False
cdef bint close_drops_writes = False

cdef member *SOCK = NULL
cdef member *PROTOCOL = NULL
cdef member *BUFFER = NULL
cdef member *CONN_LOST = NULL
cdef member *EOF = NULL
cdef member *EMPTY_WAITER = NULL
cdef member *READ_READY_CB = NULL
cdef member *UNSENT = NULL
cdef member *CLOSING = NULL
cdef member *PAUSED = NULL
cdef member *SOCK_FD = NULL
cdef member *PROTOCOL_CONNECTED = NULL
cdef member *SERVER = NULL
cdef member *LOOP = member_of(base, "_loop")
cdef member *HIGH_WATER = member_of(base, "_high_water")
cdef object zero = 0
# Since Python 3.13 a server keeps its transports by themselves.
cdef bint detach_takes_transport = asyncio.base_events.Server._detach.__code__.co_argcount == 2
cdef object transport_class = None

SLOTS = (
    "_sock", "_protocol", "_buffer", "_closing", "_conn_lost", "_eof", "_empty_waiter", "_read_ready_cb",
    "_unsent", "_paused", "_sock_fd", "_protocol_connected", "_server",
)

cdef enum:
    MAX_COALESCED = 16384  # bytes of one write that is kept until the callback returns


def register_class(cls, /):
    """Make *cls* the class of the transports. It has SLOTS, and the functions of this module as methods."""
    global SOCK, PROTOCOL, BUFFER, CONN_LOST, EOF, EMPTY_WAITER, READ_READY_CB
    global UNSENT, CLOSING, PAUSED, SOCK_FD, PROTOCOL_CONNECTED, SERVER
    global transport_class
    transport_class = cls
    SOCK, PROTOCOL = member_of(cls, "_sock"), member_of(cls, "_protocol")
    BUFFER, CONN_LOST = member_of(cls, "_buffer"), member_of(cls, "_conn_lost")
    EOF, EMPTY_WAITER = member_of(cls, "_eof"), member_of(cls, "_empty_waiter")
    READ_READY_CB, UNSENT = member_of(cls, "_read_ready_cb"), member_of(cls, "_unsent")
    CLOSING, PAUSED = member_of(cls, "_closing"), member_of(cls, "_paused")
    SOCK_FD, SERVER = member_of(cls, "_sock_fd"), member_of(cls, "_server")
    PROTOCOL_CONNECTED = member_of(cls, "_protocol_connected")
    methods.register_class(cls)


def set_dropped_by_close(reads, writes, /):
    """Say whether `close` of the running Python drops the callbacks that read, and that write."""
    global close_drops_reads, close_drops_writes
    close_drops_reads, close_drops_writes = reads, writes


@cython.binding(False)
def has_original_methods():
    """Whether nobody has replaced the methods that C code goes round."""
    return methods.are_those_of(transport_class) and selector_methods.are_those_of(selector_transport)


cdef inline bint is_of_class(object transport) except -1:
    return type(transport) is transport_class or isinstance(transport, transport_class)


cdef bint is_plain(object transport) except -1:
    """Whether *transport* has slots, and C code may go round its methods."""
    return (is_of_class(transport) and not is_traced()
            and methods.are_those_of(type(transport)))


cdef bint is_open(object transport) except -1:
    """Whether *transport* is one in C with an empty buffer, and `is_closing()` is False.

    A transport that is closed with an empty buffer has lost its connection at once.
    """
    return (is_plain(transport) and is_empty(transport) and not member_is(transport, SOCK, None)
            and not PyDict_Contains(generic_dict(transport, NULL), "is_closing"))


cdef bint may_close(object self) except -1:
    """Whether C code knows what `close` of a plain transport does."""
    return not has_context and selector_methods.are_those_of(selector_transport)


cdef int close_plain(object self) except -1:
    cdef object loop
    flush(self)
    if close_drops_reads:
        set_member(self, READ_READY_CB, None)
    if close_drops_writes:
        self._write_ready = None
    if not member_is(self, CLOSING, False):
        return 0
    loop = get_member(self, LOOP)
    set_member(self, CLOSING, True)
    if len(get_member(self, BUFFER)):
        loop._remove_reader(get_member(self, SOCK_FD))
        return 0
    # The transport would refer to itself by its bound method until the garbage collector finds it.
    set_member(self, READ_READY_CB, None)
    set_member(self, CONN_LOST, get_member(self, CONN_LOST) + 1)
    if remove_both(loop, get_member(self, SOCK_FD)):
        call_soon_plain(loop, self._call_connection_lost, (None,), None)
    else:
        loop.call_soon(self._call_connection_lost, None)
    return 0


cdef int lose_connection(object self, object error) except -1:
    """`_call_connection_lost` of a plain transport."""
    cdef object server, waiter
    try:
        if not member_is(self, PROTOCOL_CONNECTED, False):
            get_member(self, PROTOCOL).connection_lost(error)
    finally:
        close_socket(get_member(self, SOCK))
        set_member(self, SOCK, None)
        set_member(self, PROTOCOL, None)
        set_member(self, LOOP, None)
        server = get_member(self, SERVER)
        if server is not None:
            if detach_takes_transport:
                server._detach(self)
            else:
                server._detach()
            set_member(self, SERVER, None)
    waiter = get_member(self, EMPTY_WAITER)
    if waiter is not None:
        waiter.set_exception(ConnectionError("Connection is closed by peer"))
    return 0


@cython.binding(False)
def _call_connection_lost(self, error):
    if is_plain(self) and may_close(self):
        lose_connection(self, error)
    else:
        base._call_connection_lost(self, error)


@cython.binding(False)
def close(self):
    if is_plain(self) and may_close(self):
        close_plain(self)
    else:
        if is_of_class(self):
            flush(self)
        base.close(self)


cdef inline bint can_write(object self, object sock, object data) except -1:
    """Whether C code may send *data*: nothing is buffered, closing, or failed."""
    return (has_original(sock) and is_bytes_like(data) and member_is(self, EOF, False)
            and member_is(self, EMPTY_WAITER, None) and is_empty(self) and len(data) != 0)


cdef inline bint is_empty(object self) except -1:
    """Whether nothing is buffered, and the connection is not lost."""
    return member_is(self, CONN_LOST, zero) and len(get_member(self, BUFFER)) == 0


@cython.binding(False)
def write(self, data):
    if is_plain(self):
        write_plain(self, data)
    else:
        if is_of_class(self):
            flush(self)
        base.write(self, data)


cdef int write_data(object transport, object data) except -1:
    """`transport.write(data)`."""
    if type(transport) is transport_class and is_plain(transport):
        write_plain(transport, data)
    else:
        transport.write(data)
    return 0


cdef int write_plain(object self, object data) except -1:
    """`write` of a plain transport."""
    cdef object sock = get_member(self, SOCK)
    cdef LoopState state
    if not can_write(self, sock, data):
        flush(self)
        base.write(self, data)
        return 0
    state = coalescing_state_of(get_member(self, LOOP))
    # One that is closing may be closed before the callback returns.
    if state is not None and len(data) <= MAX_COALESCED and member_is(self, CLOSING, False):
        keep_unsent(self, state, data if type(data) is bytes else bytes(data))
        return 0
    if not member_is(self, UNSENT, None):
        flush(self)
        if not is_empty(self):
            base.write(self, data)
            return 0
    send_now(self, <socket>sock, data)
    return 0


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
    cdef object rest = memoryview(data)[sent:]
    cdef object buffer
    if has_context:
        self._add_writer(self._sock_fd, self._write_ready)
    else:
        self._loop._add_writer(self._sock_fd, self._write_ready)
    buffer = get_member(self, BUFFER)
    if buffer_is_deque:
        if has_context:
            self._buffer_size += len(rest)
        buffer.append(rest)
    else:
        buffer += rest  # extend() would copy the bytes first
    self._maybe_pause_protocol()
    return 0
