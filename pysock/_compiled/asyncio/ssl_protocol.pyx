"""TLS of an EventLoop: what C code knows of asyncio's SSLProtocol.

The protocol and its transport are subclasses of asyncio's, and their attributes are asyncio's own: those
that C code reads are slots. So any method of asyncio can follow any function in C. ssl_reading.pyx and
ssl_writing.pyx have what is done for each receive and each write. What is rare is left to asyncio:
handshakes, shutdown, errors, flow control beyond a comparison. Its own methods run, too, in debug mode,
under a trace or profile function, where a method is overridden or patched, and for ssl objects that are
not the interpreter's own.
"""

import asyncio.sslproto
import asyncio.unix_events

cimport cython

from cpython.dict cimport PyDict_Size

from ..core cimport traceback
from ..core.instance_dict cimport generic_dict
from ..core.member cimport get_member, member, member_of
from ..core.tracing cimport is_traced
from . cimport ssl_objects
from .loop cimport is_observed
from .original_methods cimport OriginalMethods
from .ssl_objects cimport connection_of, is_bio

cdef object base = asyncio.sslproto.SSLProtocol
cdef object base_transport = asyncio.sslproto._SSLProtocolTransport

# What C code goes round.
cdef tuple METHODS = (
    "_control_app_writing", "_control_ssl_reading", "_do_read", "_do_read__buffered",
    "_do_read__copied", "_do_write", "_get_read_buffer_size", "_get_write_buffer_size",
    "_process_outgoing", "_write_appdata", "buffer_updated", "get_buffer", "max_size",
)
cdef OriginalMethods methods = None
cdef OriginalMethods transport_methods = None
cdef object loop_class = asyncio.unix_events._UnixSelectorEventLoop
cdef OriginalMethods making_methods = OriginalMethods(loop_class, ("_make_ssl_transport",))
cdef OriginalMethods upgrading_methods = OriginalMethods(loop_class, ("start_tls",))
cdef object protocol_class = None
cdef object transport_class = None

SLOTS = (
    "_app_protocol", "_app_protocol_buffer_updated", "_app_protocol_get_buffer",
    "_app_protocol_is_buffer", "_app_reading_paused", "_app_state", "_app_transport",
    "_app_transport_created", "_app_writing_paused", "_conn_lost", "_eof_received", "_extra",
    "_handshake_start_time", "_handshake_timeout_handle", "_incoming", "_incoming_high_water",
    "_incoming_low_water", "_loop", "_outgoing", "_outgoing_high_water", "_outgoing_low_water",
    "_server_hostname", "_server_side", "_shutdown_timeout_handle", "_ssl_buffer",
    "_ssl_buffer_view", "_ssl_handshake_timeout", "_ssl_reading_paused", "_ssl_shutdown_timeout",
    "_ssl_writing_paused", "_sslcontext", "_sslobj", "_state", "_transport", "_waiter",
    "_write_backlog", "_write_buffer_size",
)
TRANSPORT_SLOTS = ("_closed", "_ssl_protocol")


def register_classes(cls, transport_cls, /):
    """Make *cls* the class of the protocols, and *transport_cls* that of their transports.

    They have SLOTS and TRANSPORT_SLOTS, and the functions of this module as methods.
    """
    global protocol_class, transport_class, methods, transport_methods
    global APP_PROTOCOL, APP_PROTOCOL_BUFFER_UPDATED, APP_PROTOCOL_GET_BUFFER, APP_PROTOCOL_IS_BUFFER
    global APP_READING_PAUSED, APP_WRITING_PAUSED, INCOMING, INCOMING_HIGH_WATER, INCOMING_LOW_WATER
    global LOOP, OUTGOING, OUTGOING_HIGH_WATER, OUTGOING_LOW_WATER, SSL_BUFFER_VIEW
    global SSL_READING_PAUSED, SSL_WRITING_PAUSED, SSLOBJ, STATE, TRANSPORT, WRITE_BACKLOG
    global WRITE_BUFFER_SIZE, SSL_PROTOCOL
    APP_PROTOCOL = member_of(cls, "_app_protocol")
    APP_PROTOCOL_BUFFER_UPDATED = member_of(cls, "_app_protocol_buffer_updated")
    APP_PROTOCOL_GET_BUFFER = member_of(cls, "_app_protocol_get_buffer")
    APP_PROTOCOL_IS_BUFFER = member_of(cls, "_app_protocol_is_buffer")
    APP_READING_PAUSED = member_of(cls, "_app_reading_paused")
    APP_WRITING_PAUSED = member_of(cls, "_app_writing_paused")
    INCOMING, OUTGOING = member_of(cls, "_incoming"), member_of(cls, "_outgoing")
    INCOMING_HIGH_WATER = member_of(cls, "_incoming_high_water")
    INCOMING_LOW_WATER = member_of(cls, "_incoming_low_water")
    OUTGOING_HIGH_WATER = member_of(cls, "_outgoing_high_water")
    OUTGOING_LOW_WATER = member_of(cls, "_outgoing_low_water")
    SSL_BUFFER_VIEW = member_of(cls, "_ssl_buffer_view")
    SSL_READING_PAUSED = member_of(cls, "_ssl_reading_paused")
    SSL_WRITING_PAUSED = member_of(cls, "_ssl_writing_paused")
    SSLOBJ, STATE = member_of(cls, "_sslobj"), member_of(cls, "_state")
    LOOP, TRANSPORT = member_of(cls, "_loop"), member_of(cls, "_transport")
    WRITE_BACKLOG = member_of(cls, "_write_backlog")
    WRITE_BUFFER_SIZE = member_of(cls, "_write_buffer_size")
    SSL_PROTOCOL = member_of(transport_cls, "_ssl_protocol")
    methods = OriginalMethods(base, METHODS)
    methods.register_class(cls)
    transport_methods = OriginalMethods(base_transport, ("write", "writelines"))
    transport_methods.register_class(transport_cls)
    protocol_class, transport_class = cls, transport_cls


@cython.binding(False)
def is_usual(context):
    """Whether C code knows the objects that *context*, an SSLContext or None, makes."""
    return ssl_objects.is_known and (context is None or type(context) is ssl_objects.SSLContext)


@cython.binding(False)
def has_original_make():
    """Whether nobody has replaced the method of asyncio's loop that makes a transport of TLS."""
    return making_methods.are_those_of(loop_class)


@cython.binding(False)
def has_original_start_tls():
    """Whether nobody has replaced `start_tls` of asyncio's loop."""
    return upgrading_methods.are_those_of(loop_class)


@cython.binding(False)
def has_original_methods():
    """Whether nobody has replaced the methods of asyncio and of ssl that C code goes round."""
    return (methods is None or methods.are_those_of(protocol_class)
            and transport_methods.are_those_of(transport_class)
            and ssl_objects.has_original_methods())


cdef bint overrides_nothing(object protocol) except -1:
    """Whether the instance has none of the methods in its `__dict__`, which is mostly empty."""
    cdef dict attributes = generic_dict(protocol, NULL)
    if PyDict_Size(attributes) != 0:
        for name in METHODS:
            if name in attributes:
                return False
    return True


cdef bint is_plain(object protocol) except -1:
    """Whether *protocol* has slots, and C code may go round its methods."""
    return (type(protocol) is protocol_class and not is_traced()
            and methods.are_those_of(protocol_class) and overrides_nothing(protocol)
            and not is_observed(get_member(protocol, LOOP)))


cdef object plain_connection_of(object protocol):
    """The connection of OpenSSL; None where C code does not know all of its objects."""
    if not is_bio(get_member(protocol, INCOMING)) or not is_bio(get_member(protocol, OUTGOING)):
        return None
    return connection_of(get_member(protocol, SSLOBJ))


cdef object plain_protocol_of(object transport):
    """The protocol of *transport*, where C code may go round the methods of both; None otherwise."""
    cdef object protocol
    if (type(transport) is not transport_class or is_traced()
            or not transport_methods.are_those_of(transport_class)):
        return None
    protocol = get_member(transport, SSL_PROTOCOL)
    return protocol if is_plain(protocol) else None
