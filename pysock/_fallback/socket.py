"""The backend "stdlib": the same names and address forms, on the standard library alone."""

from .._shared import PACKAGE, original, pickling
from .._shared.address import standard_address
from .._shared.loops import datagrams, transfer, unix
from .._shared.rebind import rebind
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


class socket(original.socket):
    __doc__ = original.socket.__doc__
    __slots__ = ()
    __module__ = PACKAGE

    __repr__ = original.socket_repr
    __reduce_ex__ = pickling.reduce_ex

    accept = rebind(original.socket.accept)  # returns a socket of this package's class

    def bind(self, address, /):
        return super().bind(standard_address(self, address))

    def connect(self, address, /):
        return super().connect(standard_address(self, address))

    def connect_ex(self, address, /):
        return super().connect_ex(standard_address(self, address))

    def sendto(self, *data_flags_and_address):
        if len(data_flags_and_address) > 1:
            *data_and_flags, address = data_flags_and_address
            return super().sendto(*data_and_flags, standard_address(self, address))
        return super().sendto(*data_flags_and_address)

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None, /):
        if address is not None:
            address = standard_address(self, address)
        # Tuples, here and in recvmsg_into(): without the fixes of cpython#143637 and #143988,
        # Python crashes if a list changes while its items are converted. For any other iterable
        # the base class makes a list of its own, after its audit event.
        if type(buffers) is list:
            buffers = tuple(buffers)
        if type(ancdata) is list:
            ancdata = tuple(ancdata)
        return super().sendmsg(buffers, ancdata, flags, address)

    def recvmsg_into(self, buffers, *sizes_and_flags):
        return super().recvmsg_into(tuple(buffers), *sizes_and_flags)

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

    for _method in (bind, connect, connect_ex, recvmsg_into, sendto, sendmsg):
        _method.__doc__ = getattr(original.socket, _method.__name__).__doc__
    del _method


FASTER: dict = {}
EpollSelector = original.EpollSelector
capabilities = datagrams.capabilities
