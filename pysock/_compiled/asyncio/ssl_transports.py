"""TLS of an EventLoop: asyncio's SSLProtocol and its transport, with their reads and writes in C.

The ssl objects are the interpreter's, which asyncio makes. asyncio's own classes are used where
these are not what is known here: before Python 3.11, for a context of a subclass of
`ssl.SSLContext`, and where somebody has replaced `asyncio.sslproto.SSLProtocol`.
"""

from asyncio import sslproto, unix_events
from types import FunctionType, SimpleNamespace

from . import ssl_protocol, ssl_reading, ssl_writing

OriginalProtocol = sslproto.SSLProtocol
OriginalTransport = sslproto._SSLProtocolTransport
_loop_class = unix_events._UnixSelectorEventLoop
_write = ssl_writing.write


class SSLTransport(OriginalTransport):
    """asyncio's transport of TLS, with its writes in C."""

    __slots__ = ssl_protocol.TRANSPORT_SLOTS

    def write(self, data):
        """Send *data*, a bytes, bytearray or memoryview object, without waiting."""
        _write(self, data)

    def writelines(self, list_of_data):
        """Send the bytes of *list_of_data*. Those that fit into one record leave in one."""
        ssl_writing.writelines(self, list_of_data)


class SSLProtocol(OriginalProtocol):
    """asyncio's protocol of TLS, with what it does for each receive and each write in C."""

    __slots__ = ssl_protocol.SLOTS

    def __init__(self, *arguments, **named):
        self._handshake_start_time = None
        self._handshake_timeout_handle = None
        self._shutdown_timeout_handle = None
        # A socket's transport receives without the buffer of this size. `get_buffer` makes it.
        self.max_size = 0
        super().__init__(*arguments, **named)
        del self.max_size

    def _get_app_transport(self):
        if self._app_transport is None and not self._app_transport_created:
            self._app_transport = SSLTransport(self._loop, self)
            self._app_transport_created = True
        return super()._get_app_transport()

    def buffer_updated(self, nbytes):
        ssl_reading.buffer_updated(self, nbytes)

    def _do_read(self):
        ssl_reading._do_read(self)

    def _do_read__buffered(self):
        ssl_reading._do_read__buffered(self)

    def _do_read__copied(self):
        ssl_reading._do_read__copied(self)

    def _write_appdata(self, list_of_data):
        ssl_writing._write_appdata(self, list_of_data)

    def _do_write(self):
        ssl_writing._do_write(self)

    def _process_outgoing(self):
        ssl_writing._process_outgoing(self)


def is_usual(context):
    """Whether a connection with *context*, an `ssl.SSLContext` or None, may be an SSLProtocol."""
    return (
        _is_known
        and ssl_protocol.is_usual(context)
        and sslproto.SSLProtocol is OriginalProtocol
        and sslproto._SSLProtocolTransport is OriginalTransport
    )


def makes_transport(context):
    """Whether a new connection with *context* may be an SSLProtocol: nobody makes another one."""
    return is_usual(context) and ssl_protocol.has_original_make()


def not_accelerated():
    """Return why TLS of a loop is asyncio's own where it need not be, as a str; None otherwise."""
    if not _is_known:
        return None if lacking() else "this version of asyncio or ssl is not known, or patched"
    usual = makes_transport(None) and start_tls_for(None) is _start_tls
    if not usual or not ssl_protocol.has_original_methods():
        return "a method or class of asyncio's or of ssl's is patched"
    return None


def lacking():
    """Return why this interpreter has TLS of asyncio's own, as a str; None if it need not."""
    if sslproto.ssl is None:
        return "this Python has no ssl"
    if not hasattr(sslproto, "SSLAgainErrors"):
        return "in C from Python 3.11 on"
    return None


def start_tls_for(context):
    """Return what starts TLS with *context*: a copy of asyncio's method, or what replaces it."""
    if is_usual(context) and ssl_protocol.has_original_start_tls():
        return _start_tls
    return _loop_class.start_tls


def _copied(function, **names):
    """Return *function* with its code, but other global *names*."""
    names = {**function.__globals__, **names}
    copy = FunctionType(function.__code__, names, function.__name__, None, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# asyncio's own, which makes an SSLProtocol of this module.
_start_tls = _copied(_loop_class.start_tls, sslproto=SimpleNamespace(SSLProtocol=SSLProtocol))


class _Loop:
    """Stands in for a loop, so that a protocol can be made for its attributes."""

    def call_soon(self, callback, *arguments):
        pass


def _has_known_attributes():
    """Whether the attributes of asyncio's protocol are those that are slots here."""
    if not ssl_protocol.is_usual(None):
        return False
    context = SimpleNamespace(wrap_bio=lambda *objects, **named: None)
    protocol = OriginalProtocol(_Loop(), sslproto.protocols.Protocol(), context, None)
    found = vars(protocol).keys()
    transport = getattr(protocol, "_app_transport", None)
    if transport is not None:
        transport._closed = True  # the destructor would warn of it
    return found <= set(ssl_protocol.SLOTS)


_is_known = _has_known_attributes()
if _is_known:
    ssl_protocol.register_classes(SSLProtocol, SSLTransport)
