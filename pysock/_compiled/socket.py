"""The backend "c": the class `socket`, whose methods are functions of the Cython modules.

Each method is of the kind that it is in the standard library. A method descriptor there is one
here, made of the C function of an extension type. A Python function there is one here, with one
line that calls the C function, so that a tool can trace, mock and copy it. Every other method is
the standard library's own.
"""

import sys
from socket import SOCK_STREAM

from .._shared import PACKAGE, original, pickling
from .._shared.makefile import makefile
from . import connection, core, datagrams, io, stream
from .core.method_descriptor import (
    counted_builtin_function,
    counted_method_descriptor,
    method_descriptor,
)
from .selectors.selector import EpollSelector  # noqa: F401

BACKEND = "c"

# As globals of their own: each call of a Python function below would look them up in two modules.
_init = connection.creation.init
_accept = connection.creation.accept
_close = connection.lifecycle.close
_family = connection.options.family
_type = connection.options.type
_getaddrinfo = connection.addrinfo.getaddrinfo
_socketpair = connection.creation.socketpair
_readinto = io.file.readinto
_write = io.file.write


class socket(original.socket):
    __doc__ = original.socket.__doc__
    __slots__ = ()
    __module__ = PACKAGE

    __repr__ = original.SocketRepr.__repr__
    __reduce_ex__ = pickling.reduce_ex

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        _init(self, family, type, proto, fileno)

    def accept(self):
        """accept() -> (socket object, address)

        Wait for a connection and accept it (`accept4(2)`). The result is a new `pysock.socket` and
        the address of the peer. The socket is close-on-exec, and blocking unless
        `setdefaulttimeout()` has set a timeout. Raises TimeoutError when the socket's timeout is
        over, BlockingIOError, OSError. Audit event `socket.__new__`.
        """
        return _accept(self)

    def close(self):
        """close()

        Close the socket, at once, or when the last file made by `makefile()` is closed. The
        descriptor is closed even if the kernel reports an error, which is raised as OSError. Warns
        with ResourceWarning if zero-copy sends are pending.
        """
        _close(self)

    bind = method_descriptor(connection.lifecycle.Methods.bind)
    connect = method_descriptor(connection.lifecycle.Methods.connect)
    connect_ex = method_descriptor(connection.lifecycle.Methods.connect_ex)
    getpeername = method_descriptor(connection.lifecycle.Methods.getpeername)
    getsockname = method_descriptor(connection.lifecycle.Methods.getsockname)
    listen = counted_method_descriptor(connection.lifecycle.Methods.listen, 0, 1)
    setblocking = method_descriptor(connection.lifecycle.Methods.setblocking)
    settimeout = method_descriptor(connection.lifecycle.Methods.settimeout)
    shutdown = method_descriptor(connection.lifecycle.Methods.shutdown)

    @property
    def family(self):
        """The address family: an `AddressFamily`, or an int where Python has no name for it."""
        return _family(self)

    @property
    def type(self):
        """The socket type: a `SocketKind`, or an int where Python has no name for it."""
        return _type(self)

    getsockopt = counted_method_descriptor(connection.options.Methods.getsockopt, 2, 3)
    setsockopt = counted_method_descriptor(connection.options.Methods.setsockopt, 3, 3)

    recv = counted_method_descriptor(io.transfer.Methods.recv, 1, 2)
    recv_into = counted_method_descriptor(
        io.transfer.Methods.recv_into, 1, 3, ("buffer", "nbytes", "flags")
    )
    recvfrom = counted_method_descriptor(io.transfer.Methods.recvfrom, 1, 2)
    recvfrom_into = counted_method_descriptor(
        io.transfer.Methods.recvfrom_into, 1, 3, ("buffer", "nbytes", "flags")
    )
    send = counted_method_descriptor(io.transfer.Methods.send, 1, 2)
    sendto = counted_method_descriptor(io.transfer.Methods.sendto, 2, 3)

    recv_exactly = method_descriptor(io.recv_exactly.Methods.recv_exactly)
    recv_exactly_into = method_descriptor(io.recv_exactly.Methods.recv_exactly_into)
    sendall = counted_method_descriptor(io.sendall.Methods.sendall, 1, 2)
    sendmsg_all = method_descriptor(io.sendall.Methods.sendmsg_all)

    recvmsg = counted_method_descriptor(io.message.Methods.recvmsg, 1, 3)
    recvmsg_into = counted_method_descriptor(io.message.Methods.recvmsg_into, 1, 3)
    sendmsg = counted_method_descriptor(io.message.Methods.sendmsg, 1, 4)

    recvmmsg = method_descriptor(datagrams.recvmmsg.Methods.recvmmsg)
    send_segmented = method_descriptor(datagrams.sendmmsg.Methods.send_segmented)
    sendmmsg = method_descriptor(datagrams.sendmmsg.Methods.sendmmsg)
    set_gro = method_descriptor(datagrams.capabilities.Methods.set_gro)

    peercred = method_descriptor(io.unix.Methods.peercred)
    recv_fds = method_descriptor(io.unix.Methods.recv_fds)
    send_fds = method_descriptor(io.unix.Methods.send_fds)
    reap_zerocopy = method_descriptor(io.zerocopy.Methods.reap_zerocopy)
    send_zerocopy = method_descriptor(io.zerocopy.Methods.send_zerocopy)
    zerocopy_pending = method_descriptor(io.zerocopy.Methods.zerocopy_pending)

    makefile = makefile

    def _sendfile_use_sendfile(self, file, offset=0, count=None):
        return io.file._sendfile_use_sendfile(self, file, offset, count)


class SocketIO(original.SocketIO):
    __doc__ = original.SocketIO.__doc__
    __module__ = PACKAGE

    def readinto(self, b):
        """readinto(b) -> number of bytes, or None

        Read up to len(b) bytes into a writable buffer *b*. Returns 0 at the end of the stream, and
        None where a non-blocking socket has no data. Raises what `recv_into` raises, and OSError
        for every call after a timeout.
        """
        return _readinto(self, b)

    def write(self, b):
        """write(b) -> number of bytes, or None

        Write bytes, perhaps not all of them. Returns None where a non-blocking socket accepts none.
        Raises what `send` raises.
        """
        return _write(self, b)


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """getaddrinfo(host, port, family=0, type=0, proto=0, flags=0) -> list of addresses

    Translate host and port into a list of (family, type, proto, canonname, address), with which a
    socket can be made (`getaddrinfo(3)`, RFC 3493). *family*, *type* and *proto* restrict the list;
    *flags* are AI_* constants, or'ed together. A numeric host is translated without the resolver.
    Raises gaierror. Audit event `socket.getaddrinfo`.
    """
    return _getaddrinfo(host, port, family, type, proto, flags)


def socketpair(family=None, type=SOCK_STREAM, proto=0):
    """socketpair([family[, type[, proto]]]) -> (socket object, socket object)

    Make two connected sockets (`socketpair(2)`). The default of *family* is AF_UNIX. Raises
    OSError. Audit event `socket.__new__`, twice.
    """
    return _socketpair(family, type, proto)


core.socket_class.register_class(socket, __file__, vars(sys.modules[PACKAGE]))
io.file.register_class(SocketIO)

# Names of the `socket` module that are faster here. install() assigns them to that module, too.
FASTER = {
    "SocketIO": SocketIO,
    "getaddrinfo": getaddrinfo,
    "gethostbyname": counted_builtin_function(connection.addrinfo.gethostbyname, 1),
    "htonl": counted_builtin_function(connection.addrinfo.htonl, 1),
    "htons": counted_builtin_function(connection.addrinfo.htons, 1),
    "inet_aton": counted_builtin_function(connection.addrinfo.inet_aton, 1),
    "inet_ntoa": counted_builtin_function(connection.addrinfo.inet_ntoa, 1),
    "inet_ntop": counted_builtin_function(connection.addrinfo.inet_ntop, 2),
    "inet_pton": counted_builtin_function(connection.addrinfo.inet_pton, 2),
    "ntohl": counted_builtin_function(connection.addrinfo.ntohl, 1),
    "ntohs": counted_builtin_function(connection.addrinfo.ntohs, 1),
    "socketpair": socketpair,
}
if not original.is_unpatched("getaddrinfo"):  # a guard or a mock must see every call
    del FASTER["getaddrinfo"]

get_gil_hold = core.gil_policy.get_gil_hold
set_gil_hold = core.gil_policy.set_gil_hold

DatagramBatch = datagrams.batch.DatagramBatch
Stream = stream.stream.Stream
capabilities = datagrams.capabilities.capabilities
parse_ancillary = datagrams.ancillary.parse_ancillary
splice = io.splice.splice


def load_asyncio():
    """Return the module with EventLoop. The first call imports asyncio."""
    from .asyncio import event_loop

    return event_loop
