"""DatagramBatch over the standard library: the same face, a bytearray for each datagram."""

import socket as _stdlib
from operator import index

from ..._shared import PACKAGE
from ..._shared.arguments import as_int, as_size, must_be_socket
from ..._shared.loops import datagrams as _loops
from .ancillary import parse_ancillary

_SLOTS_MOST = 1 << 16
_SLOT_MOST = 65535
_CONTROL = 512
_KNOWN = (_stdlib.AF_INET, _stdlib.AF_INET6, getattr(_stdlib, "AF_UNIX", _stdlib.AF_INET))


class DatagramBatch:
    """DatagramBatch(slots, slot_size)

    Room for *slots* messages (1 to 65536) of *slot_size* bytes each. `recv_into(sock)` fills it,
    `batch[i]` is datagram i, `len(batch)` how many there are, `send(sock)` sends them. ValueError
    for sizes out of range; RuntimeError where another thread uses the batch.
    """

    __module__ = PACKAGE

    def __new__(cls, slots, slot_size):
        slots, slot_size = as_size(slots), as_size(slot_size)
        if not 1 <= slots <= _SLOTS_MOST:
            raise ValueError(f"slots must be 1 to {_SLOTS_MOST}")
        if not 1 <= slot_size <= _SLOT_MOST:
            raise ValueError(f"slot_size must be 1 to {_SLOT_MOST}")
        self = super().__new__(cls)
        self._slots, self._slot_size = slots, slot_size
        self._datagrams = []
        self._generation = 0
        self._busy = False
        return self

    @property
    def slots(self):
        """How many messages one `recv_into` takes at most."""
        return self._slots

    @property
    def slot_size(self):
        """How many bytes of a datagram there is room for."""
        return self._slot_size

    def __len__(self):
        return len(self._datagrams)

    def __getitem__(self, number):
        try:
            return self._datagrams[index(number)]
        except IndexError:
            raise IndexError("no such datagram in the batch") from None

    def __getstate__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __repr__(self):
        return (
            f"<DatagramBatch of {self._slots} slots of {self._slot_size} bytes, "
            f"{len(self)} datagrams>"
        )

    def _take(self):
        if self._busy:
            raise RuntimeError("the batch is in use")
        self._busy = True

    def recv_into(self, sock, flags=0):
        """Wait for a datagram, take what else has arrived; return the number of datagrams.

        What was in the batch before is gone, also when nothing comes. Raises TimeoutError,
        BlockingIOError, OSError.
        """
        must_be_socket(sock)
        flags = as_int(flags)
        if sock.type == _stdlib.SOCK_STREAM or sock.family not in _KNOWN:
            raise _loops.not_for_batches(sock)
        self._take()
        try:
            self._generation += 1
            self._datagrams = []
            room = _SLOT_MOST if _loops.gro_joins(sock) else self._slot_size
            for message in _loops.receive(sock, self._slots, room, _CONTROL, flags):
                self._add(*message)
        finally:
            self._busy = False
        return len(self._datagrams)

    def _add(self, data, ancdata, msg_flags, address):
        close_rights(ancdata)
        whole = _loops.split(data, ancdata, _SLOT_MOST)
        for datagram in whole:
            self._datagrams.append(
                Datagram(
                    self,
                    bytearray(datagram[: self._slot_size]),
                    address,
                    msg_flags,
                    ancdata,
                    bool(msg_flags & _stdlib.MSG_TRUNC) or len(datagram) > self._slot_size,
                    len(whole) > 1,
                )
            )

    def send(self, sock, n=None, address=None, flags=0):
        """Send the first *n* datagrams, all without it; return how many went out.

        Each goes to *address*, or to where it came from. Waits, returns early and raises as
        `socket.sendmmsg` does; ValueError where *n* is negative or more than there are.
        """
        must_be_socket(sock)
        flags = as_int(flags)
        if n is not None:
            n = as_size(n)
        self._take()
        try:
            there = len(self._datagrams)
            count = there if n is None else n
            if not 0 <= count <= there:
                raise ValueError(f"n must be 0 to {there}")
            chosen = self._datagrams[:count]
            pairs = [(one._bytes, one._address if address is None else address) for one in chosen]
            return _loops.sendmmsg(sock, pairs, None, flags)
        finally:
            self._busy = False


def close_rights(ancdata):
    """Close the descriptors that came: a batch has no way to hand them on."""
    for level, kind, data in ancdata:
        if (level, kind) == (_stdlib.SOL_SOCKET, getattr(_stdlib, "SCM_RIGHTS", None)):
            for fd in memoryview(data[: len(data) // 4 * 4]).cast("i"):
                _stdlib.close(fd)


def _of_ancillary(name):
    return property(lambda self: getattr(self._told(), name), doc=f"As `Ancillary.{name}`.")


class Datagram:
    """One datagram of a `DatagramBatch`: `batch[i]`. `bytes()` of it copies its bytes."""

    __module__ = PACKAGE
    __slots__ = (
        "_address",
        "_ancdata",
        "_batch",
        "_bytes",
        "_cut",
        "_flags",
        "_generation",
        "_joined",
    )

    def __init__(self, batch, data, address, flags, ancdata, cut, joined):
        self._batch, self._generation = batch, batch._generation
        self._bytes, self._address, self._flags = data, address, flags
        self._ancdata, self._cut, self._joined = ancdata, cut, joined

    def _check(self):
        if self._generation != self._batch._generation:
            raise RuntimeError("the batch has received again: this datagram is gone")

    def _told(self):
        self._check()
        return parse_ancillary(self._ancdata)

    def __bytes__(self):
        self._check()
        return bytes(self._bytes)

    def __buffer__(self, flags):  # which Python asks for from 3.12 on
        return self.data

    def __len__(self):
        return len(self._bytes)

    @property
    def data(self):
        """A writable view of its bytes: what is changed there, `DatagramBatch.send` sends."""
        self._check()
        return memoryview(self._bytes)

    @property
    def address(self):
        """The sender, in the form of the socket's family; None where it has no name."""
        self._check()
        return self._address

    @property
    def truncated(self):
        """Whether it was longer than the slot, and the rest is lost (MSG_TRUNC)."""
        self._check()
        return self._cut

    @property
    def control_truncated(self):
        """Whether control messages were lost (MSG_CTRUNC): what was not told may have been."""
        self._check()
        return bool(self._flags & _stdlib.MSG_CTRUNC)

    @property
    def segment_size(self):
        """Bytes of each datagram of the message it came joined in, but the last; None if alone."""
        told = self._told()
        return told.segment_size if self._joined else None

    timestamp_ns = _of_ancillary("timestamp_ns")
    destination = _of_ancillary("destination")
    interface = _of_ancillary("interface")
    tos = _of_ancillary("tos")
    ecn = _of_ancillary("ecn")
    drops = _of_ancillary("drops")

    def __repr__(self):
        if self._generation != self._batch._generation:
            return "<Datagram that is gone>"
        return f"<Datagram of {len(self)} bytes from {self._address!r}, {self._told()!r}>"
