"""The backend "stdlib": the same names and address forms, on the standard library alone."""

import socket as _stdlib
import sys

from .._shared import PACKAGE, original, pickling
from .._shared.address import standard_address
from .._shared.arguments import is_socket
from .._shared.installed import is_replaced, replaced
from .._shared.loops import datagrams, transfer, unix
from .._shared.makefile import makefile
from .core.gil_policy import get_gil_hold, set_gil_hold
from .datagrams.ancillary import parse_ancillary
from .datagrams.batch import DatagramBatch
from .io import zerocopy
from .io.splice import splice
from .stream.stream import Stream

__all__ = [
    "BACKEND",
    "FASTER",
    "DatagramBatch",
    "EpollSelector",
    "Stream",
    "capabilities",
    "get_gil_hold",
    "parse_ancillary",
    "set_gil_hold",
    "socket",
    "splice",
]

BACKEND = "stdlib"


def _unchanging(items):
    return tuple(items) if type(items) is list else items


def _address(sock, address):
    """Convert *address* to a form of the standard library's, unless *sock* is no socket.

    The standard library's method says so then, and looks at no address.
    """
    return standard_address(sock, address) if is_socket(sock) else address


class socket(original.socket):
    __doc__ = original.socket.__doc__
    __slots__ = ()
    __module__ = PACKAGE

    __repr__ = original.SocketRepr.__repr__
    __reduce_ex__ = pickling.reduce_ex

    makefile = makefile

    def accept(self):
        # As the standard library's, which looks up these names in its module when it is called. A
        # function in front of that one would stand in the stacks that watchdogs look at.
        package = sys.modules[PACKAGE]
        fd, address = self._accept()
        cls = (_stdlib if is_replaced("socket") else package).socket
        sock = cls(self.family, self.type, self.proto, fileno=fd)
        # A system on which the new socket inherits O_NONBLOCK of the listener.
        module = _stdlib if replaced else package
        if module.getdefaulttimeout() is None and self.gettimeout():
            sock.setblocking(True)
        return sock, address

    # The base class checks the number and the names of the arguments, so the texts are its own. It
    # is not called by super(): before Python 3.12 a text would then lack the name of the class.

    def bind(self, /, *arguments, **names):
        if len(arguments) == 1:
            arguments = (_address(self, *arguments),)
        return original.socket.bind(self, *arguments, **names)

    def connect(self, /, *arguments, **names):
        if len(arguments) == 1:
            arguments = (_address(self, *arguments),)
        return original.socket.connect(self, *arguments, **names)

    def connect_ex(self, /, *arguments, **names):
        if len(arguments) == 1:
            arguments = (_address(self, *arguments),)
        return original.socket.connect_ex(self, *arguments, **names)

    def sendto(self, /, *arguments, **names):
        if len(arguments) in (2, 3):
            *data_and_flags, address = arguments
            arguments = (*data_and_flags, _address(self, address))
        return original.socket.sendto(self, *arguments, **names)

    def sendmsg(self, /, *arguments, **names):
        if len(arguments) == 4 and arguments[3] is not None:
            arguments = (*arguments[:3], _address(self, arguments[3]))
        # Tuples, here and in recvmsg_into(): without the fixes of cpython#143637 and #143988,
        # Python crashes if a list changes while its items are converted. For any other iterable
        # the base class makes a list of its own, after its audit event.
        arguments = (*map(_unchanging, arguments[:2]), *arguments[2:])
        return original.socket.sendmsg(self, *arguments, **names)

    def recvmsg_into(self, /, *arguments, **names):
        arguments = (*map(_unchanging, arguments[:1]), *arguments[1:])
        return original.socket.recvmsg_into(self, *arguments, **names)

    recvmmsg = datagrams.recvmmsg
    send_segmented = datagrams.send_segmented
    sendmmsg = datagrams.sendmmsg
    set_gro = datagrams.set_gro

    peercred = unix.peercred
    recv_fds = unix.recv_fds
    send_fds = unix.send_fds

    recv_exactly = transfer.recv_exactly
    recv_exactly_into = transfer.recv_exactly_into
    sendall = transfer.sendall
    sendmsg_all = transfer.sendmsg_all

    reap_zerocopy = zerocopy.reap_zerocopy
    send_zerocopy = zerocopy.send_zerocopy
    zerocopy_pending = zerocopy.zerocopy_pending

    for _method in (accept, bind, connect, connect_ex, recvmsg_into, sendto, sendmsg):
        _method.__doc__ = getattr(original.socket, _method.__name__).__doc__
    del _method


FASTER: dict = {}
EpollSelector = original.EpollSelector
capabilities = datagrams.capabilities


def load_asyncio():
    """Return the module with EventLoop. The first call imports asyncio."""
    from .asyncio import event_loop

    return event_loop
