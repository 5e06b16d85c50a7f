"""The datagram transport's reads and writes, in C.

The transport is the standard library's `_SelectorDatagramTransport` with slots for what is read at each
event. asyncio receives one datagram a turn of the loop. Here up to MAX_AT_ONCE are received when the
socket is readable. Between two of them the protocol may close or pause the transport.

A server mostly answers the sender. So the last sender's address is kept as the kernel has it, and a
`sendto` with the same tuple does not convert it.
"""

import asyncio
import asyncio.selector_events

cimport cython

from libc.string cimport memcmp

from ..core.member cimport get_member, member, member_is, member_of
from ..core.sockaddr cimport pack_address, unpack_address
from ..core.socket_object cimport socket
from ..core.tracing cimport is_traced
from ..io.transfer cimport receive_datagram, send_bytes, send_datagram
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from .handle cimport add_direct_callback
from .original_methods cimport OriginalMethods
from .sockets cimport has_original, is_bytes_like

cdef object base = asyncio.selector_events._SelectorDatagramTransport

cdef enum:
    MAX_AT_ONCE = 16  # datagrams
    MAX_MISSES = 4    # events with one datagram each, after which a second one is not looked for
    LOOK_AGAIN = 16   # every so many events it is looked for all the same

cdef tuple METHODS = ("_read_ready", "sendto", "max_size", "_maybe_pause_protocol")
cdef OriginalMethods methods = OriginalMethods(base, METHODS)

cdef member *SOCK = NULL
cdef member *PROTOCOL = NULL
cdef member *BUFFER = NULL
cdef member *CONN_LOST = NULL
cdef member *CLOSING = NULL
cdef member *ADDRESS = NULL
cdef member *EXTRA = NULL
cdef member *STATE = NULL
cdef object zero = 0
cdef object transport_class = None

SLOTS = ("_sock", "_protocol", "_buffer", "_conn_lost", "_closing", "_address", "_extra", "_state")


def register_class(cls, /):
    """Make *cls* the class of the transports. It has SLOTS, and the functions of this module as methods."""
    global SOCK, PROTOCOL, BUFFER, CONN_LOST, CLOSING, ADDRESS, EXTRA, STATE, transport_class
    transport_class = cls
    SOCK, PROTOCOL, BUFFER = member_of(cls, "_sock"), member_of(cls, "_protocol"), member_of(cls, "_buffer")
    CONN_LOST, CLOSING = member_of(cls, "_conn_lost"), member_of(cls, "_closing")
    ADDRESS, EXTRA = member_of(cls, "_address"), member_of(cls, "_extra")
    STATE = member_of(cls, "_state")
    methods.register_class(cls)
    add_direct_callback(cls._read_ready, read_ready)


@cython.binding(False)
def has_original_methods():
    """Whether nobody has replaced the methods that C code goes round."""
    return methods.are_those_of(transport_class)


@cython.final
cdef class DatagramState:
    """What C code keeps about a transport."""

    cdef int misses         # events that had one datagram alone, one after the other
    cdef object sender      # the address of the last datagram
    cdef ps_sockaddr name   # the same as the kernel has it
    cdef socklen_t namelen


cdef inline bint is_plain(object transport) except -1:
    """Whether *transport* has slots, and C code may go round its methods."""
    return (isinstance(transport, transport_class) and not is_traced()
            and methods.are_those_of(type(transport)))


cdef inline socket usual_socket(object transport):
    """The transport's socket; None if the standard library's method must use it."""
    cdef object sock
    if not is_plain(transport):
        return None
    sock = get_member(transport, SOCK)
    if not has_original(sock) or not ps_addr_family_known((<socket>sock).sock_family):
        return None
    return <socket>sock


cdef bint is_open(object transport) except -1:
    """Whether the protocol still wants datagrams."""
    return (member_is(transport, CLOSING, False) and member_is(transport, CONN_LOST, zero)
            and not getattr(transport, "_paused", False))


cdef int read_ready(object self) except -1:
    cdef socket sock = usual_socket(self)
    cdef DatagramState state
    cdef int received = 0
    cdef int at_most = MAX_AT_ONCE
    cdef object data
    if sock is None:
        base._read_ready(self)
        return 0
    if not member_is(self, CONN_LOST, zero):
        return 0
    state = <DatagramState?>get_member(self, STATE)
    if state.misses >= MAX_MISSES and state.misses % LOOK_AGAIN:
        state.misses += 1
        at_most = 1
    while received < at_most and (received == 0 or usual_socket(self) is sock and is_open(self)):
        data = receive_one(self, sock, state)
        if data is None:
            break
        received += 1
        get_member(self, PROTOCOL).datagram_received(data, state.sender)
    if received > 1:
        state.misses = 0
    elif at_most > 1:
        state.misses += 1
    return 0


@cython.binding(False)
def _read_ready(self):
    read_ready(self)


cdef object receive_one(object self, socket sock, DatagramState state):
    """The next datagram; None if there is none, or after an error that the protocol was told."""
    cdef ps_sockaddr name
    cdef socklen_t namelen = 0
    cdef object data
    try:
        data = receive_datagram(sock, self.max_size, &name, &namelen)
        if data is not None and not is_sender(state, &name, namelen):
            state.sender = unpack_address(&name, namelen)
            state.name, state.namelen = name, namelen
        return data
    except OSError as error:
        get_member(self, PROTOCOL).error_received(error)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal read error on datagram transport")
    return None


cdef bint is_sender(DatagramState state, const ps_sockaddr *name, socklen_t namelen) noexcept:
    return (state.sender is not None and state.namelen == namelen
            and memcmp(&state.name, name, <size_t>namelen) == 0)


@cython.binding(False)
def sendto(self, data, addr):
    cdef socket sock = usual_socket(self)
    cdef bint is_done = True
    if (sock is None or not is_bytes_like(data) or not data or not member_is(self, CONN_LOST, zero)
            or len(get_member(self, BUFFER)) != 0):
        return base.sendto(self, data, addr)
    try:
        is_done = send_one(self, sock, data, addr)
    except (BlockingIOError, InterruptedError):
        is_done = False
    except OSError as error:
        get_member(self, PROTOCOL).error_received(error)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        self._fatal_error(error, "Fatal write error on datagram transport")
    # Not above: what it raises is for the caller.
    return None if is_done else base.sendto(self, data, addr)


cdef bint send_one(object self, socket sock, object data, object addr) except -1:
    """Send the datagram. False if the standard library's method must."""
    cdef DatagramState state = <DatagramState?>get_member(self, STATE)
    cdef ps_sockaddr name
    cdef int length
    if get_member(self, EXTRA)["peername"]:
        if addr is not None and addr != get_member(self, ADDRESS):
            return False
        send_bytes(sock, data)
        return True
    if addr is None or get_member(self, ADDRESS):
        return False
    if addr is state.sender:
        send_datagram(sock, data, addr, &state.name, state.namelen)
        return True
    length = pack_address(sock.sock_family, addr, &name)
    if length == 0:
        return False
    send_datagram(sock, data, addr, &name, <socklen_t>length)
    return True
