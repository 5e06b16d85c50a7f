"""The transports of an EventLoop: asyncio's classes, with their reads and writes in C.

asyncio makes a transport in four constructors, one for each base class, and asks the socket for its
family and type, which are enums. `_init` does the same in one function. It is used if it gives a
transport the attributes that the constructors of the running Python give it.
"""

import collections
from asyncio import base_events, futures, protocols, selector_events, trsock

from . import datagram_transport, socket_transport
from .socket_transport import has_original_init, set_nodelay

OriginalSocketTransport = selector_events._SelectorSocketTransport
OriginalDatagramTransport = selector_events._SelectorDatagramTransport
_set_nodelay = base_events._set_nodelay
_set_result_unless_cancelled = futures._set_result_unless_cancelled
_TransportSocket = trsock.TransportSocket
_BufferedProtocol = protocols.BufferedProtocol
_write = socket_transport.write
_sendto = datagram_transport.sendto
# Since Python 3.12 the buffer is a deque, and an instance says how it is sent; since 3.13 a server
# counts its transports by themselves.
_buffer_factory = getattr(OriginalSocketTransport, "_buffer_factory", collections.deque)
_has_write_send = hasattr(OriginalSocketTransport, "_write_send")
_attach_takes_transport = base_events.Server._attach.__code__.co_argcount == 2


def _init(self, loop, sock, protocol, waiter, extra, server):
    """Do what the constructors of asyncio's classes do."""
    if extra is None:
        extra = {}
    extra["socket"] = _TransportSocket(sock)
    try:
        extra["sockname"] = sock.getsockname()
    except OSError:
        extra["sockname"] = None
    if "peername" not in extra:
        try:
            extra["peername"] = sock.getpeername()
        except OSError:
            extra["peername"] = None
    self._extra = extra
    self._loop = loop
    self._protocol_paused = False
    self._set_write_buffer_limits()
    self._sock = sock
    self._sock_fd = fd = sock.fileno()
    if isinstance(protocol, _BufferedProtocol):
        self._read_ready_cb = self._read_ready__get_buffer
    else:
        self._read_ready_cb = self._read_ready__data_received
    self._protocol = protocol
    self._protocol_connected = True
    self._server = server
    self._buffer = _buffer_factory()
    self._conn_lost = 0
    self._closing = self._paused = self._eof = False
    self._empty_waiter = None
    if server is not None:
        if _attach_takes_transport:
            server._attach(self)
        else:
            server._attach()
    loop._transports[fd] = self
    if _has_write_send:
        self._write_ready = (
            self._write_sendmsg if selector_events._HAS_SENDMSG else self._write_send
        )
    if base_events._set_nodelay is _set_nodelay:
        set_nodelay(sock)
    else:
        base_events._set_nodelay(sock)
    loop.call_soon(protocol.connection_made, self)
    # Reading starts, and the waiter wakes up, after connection_made() has been called.
    loop.call_soon(self._add_reader, fd, self._read_ready)
    if waiter is not None:
        loop.call_soon(_set_result_unless_cancelled, waiter, None)


class SocketTransport(OriginalSocketTransport):
    """asyncio's stream transport, with its reads and writes in C."""

    __slots__ = socket_transport.SLOTS

    def __init__(self, loop, sock, protocol, waiter=None, extra=None, server=None):
        self._sock = None  # the destructor asks it, also if this fails
        self._unsent = None
        if _is_known and has_original_init(type(self)):
            _init(self, loop, sock, protocol, waiter, extra, server)
        else:
            super().__init__(loop, sock, protocol, waiter, extra, server)

    def _read_ready(self):
        socket_transport._read_ready(self)

    def _read_ready__data_received(self):
        socket_transport._read_ready__data_received(self)

    def write(self, data):
        """Send *data*, a bytes, bytearray or memoryview object, without waiting.

        What the kernel does not take at once is kept, and sent when it can be. A loop that
        coalesces writes sends when the callback that runs returns.
        """
        _write(self, data)

    def _flush(self):
        socket_transport._flush(self)

    # These show what was sent, or send themselves: what a callback has written so far goes first.

    def writelines(self, list_of_data):
        self._flush()
        super().writelines(list_of_data)

    def write_eof(self):
        self._flush()
        super().write_eof()

    def close(self):
        self._flush()
        super().close()

    def abort(self):
        self._flush()
        super().abort()

    def get_extra_info(self, name, default=None):
        if name == "socket":
            self._flush()
        if default is None:  # a mock in its place is told what the caller gave
            return super().get_extra_info(name)
        return super().get_extra_info(name, default)

    def get_write_buffer_size(self):
        self._flush()
        return super().get_write_buffer_size()

    def set_write_buffer_limits(self, high=None, low=None):
        self._flush()
        super().set_write_buffer_limits(high, low)

    def _make_empty_waiter(self):
        self._flush()
        return super()._make_empty_waiter()


class DatagramTransport(OriginalDatagramTransport):
    """asyncio's datagram transport, with its reads and writes in C."""

    __slots__ = datagram_transport.SLOTS

    def __init__(self, loop, sock, *arguments, **named):
        self._sock = None  # the destructor asks it, also if this fails
        self._state = datagram_transport.DatagramState()
        super().__init__(loop, sock, *arguments, **named)

    def _read_ready(self):
        datagram_transport._read_ready(self)

    def sendto(self, data, addr=None):
        """Send the datagram *data*, a bytes, bytearray or memoryview object, to *addr*.

        None stands for the transport's own address. What the kernel does not take at once is kept,
        and sent when it can be.
        """
        _sendto(self, data, addr)


class _Loop:
    """Stands in for a loop, so that a transport can be made for its attributes."""

    _transports = {}

    def call_soon(self, callback, *arguments):
        pass

    def get_debug(self):
        return False


class _Socket:
    """Stands in for a socket that is not TCP."""

    family = type = proto = -1

    def fileno(self):
        return -1

    def getsockname(self):
        return ""

    getpeername = getsockname

    def close(self):
        pass


def _attributes_of(transport):
    """The names of its attributes, and their types."""
    classes = OriginalSocketTransport.__mro__
    names = {name for cls in classes for name in vars(cls).get("__slots__", ())}
    names |= vars(transport).keys() | set(socket_transport.SLOTS)
    found = {name: type(getattr(transport, name, None)) for name in names}
    transport._sock = None  # the destructor would warn of it
    return found


def _has_known_attributes():
    base = OriginalSocketTransport(_Loop(), _Socket(), protocols.Protocol())
    ours = SocketTransport.__new__(SocketTransport)
    ours._unsent = None
    _init(ours, _Loop(), _Socket(), protocols.Protocol(), None, None, None)
    return _attributes_of(base) == _attributes_of(ours)


socket_transport.register_class(SocketTransport)
_is_known = _has_known_attributes()
datagram_transport.register_class(DatagramTransport)
