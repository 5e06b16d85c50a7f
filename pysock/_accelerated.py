"""The backend "c": `socket` with the Cython layer's functions for methods.

A method listed here is a C function; attribute look-up finds it on the class and no Python frame
stands before it. Whatever is not listed is the standard library's own.
"""

from . import (
    _ancillary,
    _base,
    _batch,
    _batch_receive,
    _batch_send,
    _call,
    _capabilities,
    _connection,
    _file,
    _message,
    _numeric,
    _options,
    _selector,
    _splice,
    _stream,
    _transfer,
    _unix,
    _whole,
    _zerocopy,
)
from ._rebind import rebind

BACKEND = "c"


class socket(_base.socket):
    __doc__ = _base.socket.__doc__
    __slots__ = ()
    __module__ = __package__

    __repr__ = _base.socket_repr

    __init__ = _connection.init
    accept = _connection.accept
    bind = _connection.bind
    close = _connection.close
    connect = _connection.connect
    connect_ex = _connection.connect_ex
    getpeername = _connection.getpeername
    getsockname = _connection.getsockname
    listen = _connection.listen
    setblocking = _connection.setblocking
    settimeout = _connection.settimeout
    shutdown = _connection.shutdown

    family = property(_options.family)
    type = property(_options.type)
    getsockopt = _options.getsockopt
    setsockopt = _options.setsockopt

    recv = _transfer.recv
    recv_into = _transfer.recv_into
    recvfrom = _transfer.recvfrom
    recvfrom_into = _transfer.recvfrom_into
    send = _transfer.send
    sendto = _transfer.sendto

    recv_exactly = _whole.recv_exactly
    recv_exactly_into = _whole.recv_exactly_into
    sendall = _whole.sendall
    sendmsg_all = _whole.sendmsg_all

    recvmsg = _message.recvmsg
    recvmsg_into = _message.recvmsg_into
    sendmsg = _message.sendmsg

    recvmmsg = _batch_receive.recvmmsg
    send_segmented = _batch_send.send_segmented
    sendmmsg = _batch_send.sendmmsg
    set_gro = _capabilities.set_gro

    peercred = _unix.peercred
    recv_fds = _unix.recv_fds
    send_fds = _unix.send_fds
    reap_zerocopy = _zerocopy.reap_zerocopy
    send_zerocopy = _zerocopy.send_zerocopy
    zerocopy_pending = _zerocopy.zerocopy_pending

    makefile = rebind(_base.socket.makefile)  # on this package's SocketIO
    _sendfile_use_sendfile = _file._sendfile_use_sendfile


class SocketIO(_base.SocketIO):
    __doc__ = _base.SocketIO.__doc__
    __module__ = __package__

    readinto = _file.readinto
    write = _file.write


class EpollSelector(_selector.Epoll, _base.EpollSelector):
    """`selectors.EpollSelector`, with all that an event loop asks of it in C (`epoll(7)`).

    What it is asked and what it answers is the same. `install()` puts it into `selectors`, from
    where asyncio's default loop takes it, and under the servers of `socketserver`.
    """

    __module__ = __package__
    _at_creation = None  # what install() has to do then: it is an event loop that comes to be

    def __init__(self):
        super().__init__()
        at_creation = self._at_creation
        if at_creation is not None:
            at_creation()


_connection.register_class(socket)
_whole.register_class(socket)

# Names of the `socket` module that are faster here than there; install() puts them there too.
FASTER = {
    "SocketIO": SocketIO,
    "getaddrinfo": _numeric.getaddrinfo,
    "gethostbyname": _numeric.gethostbyname,
    "htonl": _numeric.htonl,
    "htons": _numeric.htons,
    "inet_aton": _numeric.inet_aton,
    "inet_ntoa": _numeric.inet_ntoa,
    "inet_ntop": _numeric.inet_ntop,
    "inet_pton": _numeric.inet_pton,
    "ntohl": _numeric.ntohl,
    "ntohs": _numeric.ntohs,
    "socketpair": _connection.socketpair,
}
if not _base.is_its_own("getaddrinfo"):  # a guard, or names of their own: each call is theirs
    del FASTER["getaddrinfo"]

get_gil_hold = _call.get_gil_hold
set_gil_hold = _call.set_gil_hold

DatagramBatch = _batch.DatagramBatch
Stream = _stream.Stream
capabilities = _capabilities.capabilities
parse_ancillary = _ancillary.parse_ancillary
splice = _splice.splice
