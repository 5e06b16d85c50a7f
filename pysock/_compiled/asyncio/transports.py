"""The transports of an EventLoop: asyncio's classes, with their reads and writes in C.

A stream transport is made in C (transport_init.pyx), if that gives it the attributes that the
constructors of the running Python give it.
"""

from asyncio import protocols, selector_events

from . import datagram_transport, socket_transport, transport_init, transport_read
from .streams import replace_reader

OriginalSocketTransport = selector_events._SelectorSocketTransport
OriginalDatagramTransport = selector_events._SelectorDatagramTransport
# Since Python 3.15 a transport has the context of its callbacks.
_has_context = "context" in OriginalSocketTransport.__init__.__code__.co_varnames
_write = socket_transport.write
_sendto = datagram_transport.sendto
_close = socket_transport.close
_call_connection_lost = socket_transport._call_connection_lost


class SocketTransport(OriginalSocketTransport):
    """asyncio's stream transport, with its reads and writes in C."""

    __slots__ = socket_transport.SLOTS

    def __init__(self, loop, sock, protocol, waiter=None, extra=None, server=None, context=None):
        self._sock = None  # the destructor asks it, also if this fails
        self._unsent = None
        arguments = (loop, sock, protocol, waiter, extra, server)
        if not transport_init.init_transport(self, *arguments, context):
            super().__init__(*arguments, *([context] if _has_context else []))

    def _start_reading(self):
        transport_read._start_reading(self)

    def _read_ready(self):
        transport_read._read_ready(self)

    def _read_ready__get_buffer(self):
        transport_read._read_ready__get_buffer(self)

    def _read_ready__data_received(self):
        transport_read._read_ready__data_received(self)

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
        _close(self)

    def _call_connection_lost(self, exc):
        _call_connection_lost(self, exc)

    def abort(self):
        self._flush()
        super().abort()

    def _force_close(self, exc):
        self._flush()
        super()._force_close(exc)

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

    def call_soon(self, callback, *arguments, context=None):
        pass

    def _remove_reader(self, fd):
        pass

    _remove_writer = _remove_reader

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


def _dropped_by_close():
    """Whether the callback that reads is dropped, and the one that writes."""
    transport = OriginalSocketTransport(_Loop(), _Socket(), protocols.Protocol())
    transport.close()
    transport._sock = None  # the destructor would warn of it
    return transport._read_ready_cb is None, transport._write_ready is None


def _has_known_attributes():
    base = OriginalSocketTransport(_Loop(), _Socket(), protocols.Protocol())
    ours = SocketTransport.__new__(SocketTransport)
    ours._unsent = None
    transport_init.fill_in_attributes(ours, _Loop(), _Socket(), protocols.Protocol())
    return _attributes_of(base) == _attributes_of(ours)


socket_transport.register_class(SocketTransport)
transport_read.register_class(SocketTransport)
socket_transport.set_dropped_by_close(*_dropped_by_close())
transport_init.register_class(SocketTransport, replace_reader)
are_known = _has_known_attributes()
transport_init.set_known(are_known)
datagram_transport.register_class(DatagramTransport)
