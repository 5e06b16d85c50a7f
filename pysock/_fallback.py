"""The backend "stdlib": the same names and address forms over the standard library alone."""

from . import (
    _base,
    _fallback_ancillary,
    _fallback_arena,
    _fallback_batch,
    _fallback_splice,
    _fallback_stream,
    _fallback_unix,
    _fallback_whole,
    _fallback_zerocopy,
)
from ._address import standard_address
from ._fallback_arguments import as_size
from ._rebind import rebind

BACKEND = "stdlib"


class socket(_base.socket):
    __doc__ = _base.socket.__doc__
    __slots__ = ()
    __module__ = __package__

    __repr__ = _base.socket_repr

    accept = rebind(_base.socket.accept)  # makes a socket of this package's class

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
        # What is no list, the base class makes one of its own from, after its audit event.
        if type(buffers) is list:
            buffers = tuple(buffers)
        if type(ancdata) is list:
            ancdata = tuple(ancdata)
        return super().sendmsg(buffers, ancdata, flags, address)

    # Tuples, in both: an interpreter before cpython#143637 and #143988 was repaired crashes where a
    # list of buffers changes while its items are converted.
    def recvmsg_into(self, buffers, *sizes_and_flags):
        return super().recvmsg_into(tuple(buffers), *sizes_and_flags)

    recvmmsg = _fallback_batch.recvmmsg
    send_segmented = _fallback_batch.send_segmented
    sendmmsg = _fallback_batch.sendmmsg
    set_gro = _fallback_batch.set_gro

    peercred = _fallback_unix.peercred
    recv_fds = _fallback_unix.recv_fds
    send_fds = _fallback_unix.send_fds

    recv_exactly = _fallback_whole.recv_exactly
    recv_exactly_into = _fallback_whole.recv_exactly_into
    sendall = _fallback_whole.sendall
    sendmsg_all = _fallback_whole.sendmsg_all

    reap_zerocopy = _fallback_zerocopy.reap_zerocopy
    send_zerocopy = _fallback_zerocopy.send_zerocopy
    zerocopy_pending = _fallback_zerocopy.zerocopy_pending

    for _method in (bind, connect, connect_ex, recvmsg_into, sendto, sendmsg):
        _method.__doc__ = getattr(_base.socket, _method.__name__).__doc__
    del _method


FASTER: dict = {}
EpollSelector = _base.EpollSelector
DatagramBatch = _fallback_arena.DatagramBatch
Stream = _fallback_stream.Stream
capabilities = _fallback_batch.capabilities
parse_ancillary = _fallback_ancillary.parse_ancillary
splice = _fallback_splice.splice

_gil_hold = 16384


def set_gil_hold(nbytes, /):
    """Remember *nbytes*: the standard library gives up the GIL for every call, whatever is set."""
    global _gil_hold
    nbytes = as_size(nbytes)
    if nbytes < 0:
        raise ValueError("nbytes must not be negative")
    _gil_hold = nbytes


def get_gil_hold():
    """Return the number of bytes that `set_gil_hold()` set: 16384 unless it was called."""
    return _gil_hold
