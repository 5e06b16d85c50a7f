"""The backend "c": `socket` with the Cython layer's functions for methods.

A method listed here is a C function; attribute look-up finds it on the class and no Python frame
stands before it. Whatever is not listed is the standard library's own.
"""

from .._shared import PACKAGE, original, pickling
from .._shared.rebind import rebind
from . import connection, core, datagrams, io, stream
from .selectors import methods
from .selectors.overrides import has_original_code
from .selectors.registered import Registered

BACKEND = "c"


class socket(original.socket):
    __doc__ = original.socket.__doc__
    __slots__ = ()
    __module__ = PACKAGE

    __repr__ = original.socket_repr
    __reduce_ex__ = pickling.reduce_ex

    __init__ = connection.lifecycle.init
    accept = connection.lifecycle.accept
    bind = connection.lifecycle.bind
    close = connection.lifecycle.close
    connect = connection.lifecycle.connect
    connect_ex = connection.lifecycle.connect_ex
    getpeername = connection.lifecycle.getpeername
    getsockname = connection.lifecycle.getsockname
    listen = connection.lifecycle.listen
    setblocking = connection.lifecycle.setblocking
    settimeout = connection.lifecycle.settimeout
    shutdown = connection.lifecycle.shutdown

    family = property(connection.options.family)
    type = property(connection.options.type)
    getsockopt = connection.options.getsockopt
    setsockopt = connection.options.setsockopt

    recv = io.transfer.recv
    recv_into = io.transfer.recv_into
    recvfrom = io.transfer.recvfrom
    recvfrom_into = io.transfer.recvfrom_into
    send = io.transfer.send
    sendto = io.transfer.sendto

    recv_exactly = io.recv_exactly.recv_exactly
    recv_exactly_into = io.recv_exactly.recv_exactly_into
    sendall = io.sendall.sendall
    sendmsg_all = io.sendall.sendmsg_all

    recvmsg = io.message.recvmsg
    recvmsg_into = io.message.recvmsg_into
    sendmsg = io.message.sendmsg

    recvmmsg = datagrams.recvmmsg.recvmmsg
    send_segmented = datagrams.sendmmsg.send_segmented
    sendmmsg = datagrams.sendmmsg.sendmmsg
    set_gro = datagrams.capabilities.set_gro

    peercred = io.unix.peercred
    recv_fds = io.unix.recv_fds
    send_fds = io.unix.send_fds
    reap_zerocopy = io.zerocopy.reap_zerocopy
    send_zerocopy = io.zerocopy.send_zerocopy
    zerocopy_pending = io.zerocopy.zerocopy_pending

    makefile = rebind(original.socket.makefile)  # on this package's SocketIO
    _sendfile_use_sendfile = io.file._sendfile_use_sendfile


class SocketIO(original.SocketIO):
    __doc__ = original.SocketIO.__doc__
    __module__ = PACKAGE

    readinto = io.file.readinto
    write = io.file.write


class EpollSelector(original.EpollSelector):
    """`selectors.EpollSelector`, with the methods that an event loop calls often in C (`epoll(7)`).

    These are `register`, `unregister`, `modify` and `select`. Each one is a Python function that
    calls the C function. Arguments, results and exceptions are the same. `install()` assigns the
    class to `selectors`, where asyncio's default loop gets it, and to `socketserver`.
    """

    __module__ = PACKAGE

    register = methods.register
    unregister = methods.unregister
    modify = methods.modify
    select = methods.select

    def __init__(self):
        super().__init__()
        if has_original_code():
            self._fd_to_key = Registered(self._fd_to_key)


core.socket_class.register_class(socket)

# Names of the `socket` module that are faster here than there; install() puts them there too.
FASTER = {
    "SocketIO": SocketIO,
    "getaddrinfo": connection.addrinfo.getaddrinfo,
    "gethostbyname": connection.addrinfo.gethostbyname,
    "htonl": connection.addrinfo.htonl,
    "htons": connection.addrinfo.htons,
    "inet_aton": connection.addrinfo.inet_aton,
    "inet_ntoa": connection.addrinfo.inet_ntoa,
    "inet_ntop": connection.addrinfo.inet_ntop,
    "inet_pton": connection.addrinfo.inet_pton,
    "ntohl": connection.addrinfo.ntohl,
    "ntohs": connection.addrinfo.ntohs,
    "socketpair": connection.lifecycle.socketpair,
}
if not original.is_unpatched("getaddrinfo"):  # a guard, or names of their own: each call is theirs
    del FASTER["getaddrinfo"]

get_gil_hold = core.gil_policy.get_gil_hold
set_gil_hold = core.gil_policy.set_gil_hold

DatagramBatch = datagrams.batch.DatagramBatch
Stream = stream.stream.Stream
capabilities = datagrams.capabilities.capabilities
parse_ancillary = datagrams.ancillary.parse_ancillary
splice = io.splice.splice
