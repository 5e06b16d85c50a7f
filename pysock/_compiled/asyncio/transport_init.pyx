"""Making a stream transport, and the transport of an accepted connection, in C.

asyncio makes a transport in four constructors, one for each base class, and asks the socket for its
family and type, which are enums. `fill_in` does the same in one function. transports.py finds out whether
it gives a transport the attributes that the constructors of the running Python give it.
"""

import asyncio
import asyncio.base_events
import asyncio.futures
import asyncio.protocols
import asyncio.selector_events
import asyncio.transports
import asyncio.trsock
import collections
import sys

cimport cython

from ..connection.lifecycle cimport sockname_of
from ..core.errors cimport raise_errno
from ..core.member cimport init_member, member, member_of, new_instance, set_member
from ..core.module_names cimport ModuleNames
from ..core.socket_object cimport socket
from ..sys.ps_addr cimport AF_INET, AF_INET6
from ..sys.ps_socket cimport IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, ps_setsockopt
from . cimport socket_transport
from .loop cimport call_soon_plain, is_plain, may_schedule
from .original_methods cimport OriginalMethods
from .sockets cimport has_original
from .transport_map cimport add_transport, has_no_transport

cdef object base = asyncio.selector_events._SelectorSocketTransport
cdef object selector_transport = asyncio.selector_events._SelectorTransport
cdef object flow_control = asyncio.transports._FlowControlMixin
cdef object StreamReaderProtocol = asyncio.StreamReaderProtocol
cdef object BufferedProtocol = asyncio.protocols.BufferedProtocol
cdef object TransportSocket = asyncio.trsock.TransportSocket
cdef object set_result_unless_cancelled = asyncio.futures._set_result_unless_cancelled
cdef dict base_event_names = vars(asyncio.base_events)
cdef dict selector_event_names = vars(asyncio.selector_events)
cdef ModuleNames transport_names = ModuleNames(
    asyncio.selector_events, "_SelectorSocketTransport")
cdef ModuleNames socket_names = ModuleNames(asyncio.trsock, "TransportSocket")
cdef ModuleNames nodelay_names = ModuleNames(asyncio.base_events, "_set_nodelay")

# A function for each class makes a transport.
cdef OriginalMethods methods = OriginalMethods(
    base, ("__init__", "_add_reader", "set_protocol", "_set_write_buffer_limits"))
cdef OriginalMethods selector_methods = OriginalMethods(selector_transport, ("__init__",))
cdef OriginalMethods flow_control_methods = OriginalMethods(flow_control, ("__init__",))

# Since Python 3.12 the buffer is a deque, an instance says how it is sent, and a descriptor that has a
# transport is refused. Since 3.13 a server counts its transports by themselves. Since 3.15 a transport has
# the context of its callbacks, and counts the bytes of its buffer.
cdef object buffer_factory = getattr(base, "_buffer_factory", collections.deque)
cdef bint has_write_send = hasattr(base, "_write_send")
cdef bint has_context = sys.version_info >= (3, 15)
cdef bint attach_takes_transport = asyncio.base_events.Server._attach.__code__.co_argcount == 2
cdef bint refuses_used_descriptor = sys.version_info >= (3, 12)

cdef enum:
    HIGH_WATER_MARK = 64 * 1024  # the default of `_FlowControlMixin`
    LOW_WATER_MARK = 16 * 1024

cdef object transport_class = None
cdef object replace_reader = None
cdef bint is_known = False

cdef member *SOCKET_OF = member_of(TransportSocket, "_sock")
cdef member *EXTRA = member_of(base, "_extra")
cdef member *LOOP = member_of(base, "_loop")
cdef member *PROTOCOL_PAUSED = member_of(base, "_protocol_paused")
cdef member *HIGH_WATER = member_of(base, "_high_water")
cdef member *LOW_WATER = member_of(base, "_low_water")


def register_class(cls, replace, /):
    """Make *cls* the class of the transports. *replace* gives a protocol of streams a reader in C."""
    global transport_class, replace_reader
    transport_class, replace_reader = cls, replace
    methods.register_class(cls)


def set_known(known, /):
    """Say whether `fill_in` does what the constructors of the running Python do."""
    global is_known
    is_known = known


cdef bint has_original_init(object cls) except -1:
    """Whether nobody has replaced what makes a transport, and *cls* overrides none of it."""
    return (is_known and methods.are_those_of(cls)
            and selector_methods.are_those_of(selector_transport)
            and flow_control_methods.are_those_of(flow_control)
            and socket_names.are_original())


@cython.binding(False)
def has_original_constructors():
    """Whether transports are made in C."""
    return has_original_init(transport_class)


cdef int set_nodelay(object sock) except -1:
    """`asyncio.base_events._set_nodelay`, which asks for the socket's family and type as enums."""
    cdef socket usual
    cdef int on = 1
    cdef int outcome
    if not nodelay_names.are_original() or not has_original(sock):
        base_event_names["_set_nodelay"](sock)
        return 0
    usual = <socket>sock
    if (usual.sock_type == SOCK_STREAM and usual.sock_proto == IPPROTO_TCP
            and (usual.sock_family == AF_INET or usual.sock_family == AF_INET6)):
        outcome = ps_setsockopt(usual.sock_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
        if outcome < 0:
            raise_errno(outcome)
    return 0


cdef object own_name(object sock):
    try:
        return sockname_of(<socket>sock) if has_original(sock) else sock.getsockname()
    except OSError:
        return None


cdef object name_of_peer(object sock):
    try:
        return sock.getpeername()
    except OSError:
        return None


cdef int fill_in_extra(object extra, object sock) except -1:
    cdef object shown = new_instance(TransportSocket)
    init_member(shown, SOCKET_OF, sock)
    extra["socket"] = shown
    extra["sockname"] = own_name(sock)
    if "peername" not in extra:
        extra["peername"] = name_of_peer(sock)
    return 0


cdef int fill_in(object self, object loop, object sock, object protocol, object extra,
                 object server, object context) except -1:
    """Set the attributes that the constructors of asyncio's classes set."""
    cdef object fd
    if extra is None:
        extra = {}
    fill_in_extra(extra, sock)
    set_member(self, EXTRA, extra)
    set_member(self, LOOP, loop)
    set_member(self, PROTOCOL_PAUSED, False)
    set_member(self, HIGH_WATER, HIGH_WATER_MARK)
    set_member(self, LOW_WATER, LOW_WATER_MARK)
    set_member(self, socket_transport.SOCK, sock)
    fd = sock.fileno()
    set_member(self, socket_transport.SOCK_FD, fd)
    if isinstance(protocol, BufferedProtocol):
        set_member(self, socket_transport.READ_READY_CB, self._read_ready__get_buffer)
    else:
        set_member(self, socket_transport.READ_READY_CB, self._read_ready__data_received)
    set_member(self, socket_transport.PROTOCOL, protocol)
    set_member(self, socket_transport.PROTOCOL_CONNECTED, True)
    set_member(self, socket_transport.SERVER, server)
    set_member(self, socket_transport.BUFFER, buffer_factory())
    if has_context:
        self._context = context
        self._buffer_size = 0
    set_member(self, socket_transport.CONN_LOST, 0)
    set_member(self, socket_transport.CLOSING, False)
    set_member(self, socket_transport.PAUSED, False)
    set_member(self, socket_transport.EOF, False)
    set_member(self, socket_transport.EMPTY_WAITER, None)
    if server is not None:
        if attach_takes_transport:
            server._attach(self)
        else:
            server._attach()
    add_transport(loop, fd, self)
    if has_write_send:
        self._write_ready = (
            self._write_sendmsg if selector_event_names["_HAS_SENDMSG"] else self._write_send
        )
    return set_nodelay(sock)


cdef int schedule_start_plain(object self, object loop, object protocol, object context) except -1:
    """`schedule_start` where *loop* is plain, and nobody waits."""
    call_soon_plain(loop, protocol.connection_made, (self,), context)
    call_soon_plain(loop, self._start_reading, (), context)
    return 0


cdef int schedule_start(object self, object loop, object protocol, object waiter,
                        object context) except -1:
    """Reading starts, and the waiter wakes up, after connection_made() has been called."""
    if may_schedule(loop):
        schedule_start_plain(self, loop, protocol, context)
    else:
        loop.call_soon(protocol.connection_made, self, context=context)
        loop.call_soon(self._add_reader, self._sock_fd, self._read_ready, context=context)
    if waiter is not None:
        loop.call_soon(set_result_unless_cancelled, waiter, None, context=context)
    return 0


@cython.binding(False)
def init_transport(self, loop, sock, protocol, waiter, extra, server, context):
    """Make the new *self* a transport. False if asyncio's own constructors must do it."""
    if not has_original_init(type(self)):
        return False
    fill_in(self, loop, sock, protocol, extra, server, context)
    schedule_start(self, loop, protocol, waiter, context)
    return True


@cython.binding(False)
def fill_in_attributes(self, loop, sock, protocol):
    """`fill_in`, to find out whether it sets what the constructors of the running Python set."""
    fill_in(self, loop, sock, protocol, None, None, None)


@cython.binding(False)
def start_connection(self, protocol, conn, peername, server, context):
    """Make the transport of an accepted connection.

    False before anything is done if `_make_socket_transport` must be called.
    """
    cdef object transport
    if (not is_plain(self) or not has_original_init(transport_class)
            or not transport_names.are_original()):
        return False
    if refuses_used_descriptor and not has_no_transport(self, conn.fileno()):
        self._ensure_fd_no_transport(conn)
    if type(protocol) is StreamReaderProtocol:
        replace_reader(protocol)
    transport = new_instance(transport_class)
    set_member(transport, socket_transport.SOCK, None)  # the destructor asks it, also if this fails
    set_member(transport, socket_transport.UNSENT, None)
    fill_in(transport, self, conn, protocol, {"peername": peername}, server, context)
    schedule_start_plain(transport, self, protocol, context)
    return True
