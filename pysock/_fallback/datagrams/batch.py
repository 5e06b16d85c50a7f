"""DatagramBatch over the standard library: the same interface, with a bytearray per datagram."""

import socket as _stdlib
from operator import index

from ..._shared import PACKAGE
from ..._shared.arguments import as_int, as_size, check_socket
from ..._shared.loops import datagrams as _loops
from .ancillary import parse_ancillary

_MAX_SLOTS = 1 << 16
_MAX_SLOT_SIZE = 65535
_ANCBUFSIZE = 512
_FAMILIES = (_stdlib.AF_INET, _stdlib.AF_INET6, getattr(_stdlib, "AF_UNIX", _stdlib.AF_INET))


class DatagramBatch:
    """DatagramBatch(slots, slot_size)

    A buffer for *slots* messages (1 to 65536) of *slot_size* bytes each (1 to 65535).
    `recv_into(sock)` fills it, `batch[i]` is datagram i, `len(batch)` is the number of datagrams,
    `send(sock)` sends them. Raises ValueError for sizes that are out of range, RuntimeError while
    another thread uses the batch.
    """

    __module__ = PACKAGE

    def __new__(cls, slots, slot_size):
        slots, slot_size = as_size(slots), as_size(slot_size)
        if not 1 <= slots <= _MAX_SLOTS:
            raise ValueError(f"slots must be 1 to {_MAX_SLOTS}")
        if not 1 <= slot_size <= _MAX_SLOT_SIZE:
            raise ValueError(f"slot_size must be 1 to {_MAX_SLOT_SIZE}")
        self = super().__new__(cls)
        self._slots, self._slot_size = slots, slot_size
        self._datagrams = []
        self._generation = 0
        self._busy = False
        return self

    @property
    def slots(self):
        """The maximum number of messages that one `recv_into` receives."""
        return self._slots

    @property
    def slot_size(self):
        """The maximum number of bytes of a datagram. The rest of a longer one is lost."""
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

    def _acquire(self):
        if self._busy:
            raise RuntimeError("the batch is in use")
        self._busy = True

    def recv_into(self, sock, flags=0):
        """Wait for a datagram, receive all others that have arrived; return their number.

        The earlier content of the batch is discarded, even if nothing is received. Raises
        TimeoutError, BlockingIOError, OSError.
        """
        check_socket(sock)
        flags = as_int(flags)
        if sock.type == _stdlib.SOCK_STREAM or sock.family not in _FAMILIES:
            raise _loops.not_for_batches(sock)
        self._acquire()
        try:
            self._generation += 1
            self._datagrams = []
            message_size = _MAX_SLOT_SIZE if _loops.gro_joins(sock) else self._slot_size
            for message in _loops.receive(sock, self._slots, message_size, _ANCBUFSIZE, flags):
                self._add(*message)
        finally:
            self._busy = False
        return len(self._datagrams)

    def _add(self, data, ancdata, msg_flags, address):
        close_rights(ancdata)
        datagrams = _loops.split(data, ancdata, _MAX_SLOT_SIZE)
        for datagram in datagrams:
            self._datagrams.append(
                Datagram(
                    self,
                    bytearray(datagram[: self._slot_size]),
                    address,
                    msg_flags,
                    ancdata,
                    bool(msg_flags & _stdlib.MSG_TRUNC) or len(datagram) > self._slot_size,
                    len(datagrams) > 1,
                )
            )

    def send(self, sock, n=None, address=None, flags=0):
        """Send the first *n* datagrams, or all if *n* is None; return how many were sent.

        Each datagram is sent to *address*, or to its sender if that is None. Waits, returns early
        and raises as `socket.sendmmsg` does. Raises ValueError if *n* is negative or larger than
        the number of datagrams.
        """
        check_socket(sock)
        flags = as_int(flags)
        if n is not None:
            n = as_size(n)
        self._acquire()
        try:
            available = len(self._datagrams)
            count = available if n is None else n
            if not 0 <= count <= available:
                raise ValueError(f"n must be 0 to {available}")
            chosen = self._datagrams[:count]
            pairs = [
                (each._bytes, each._address if address is None else address) for each in chosen
            ]
            return _loops.sendmmsg(sock, pairs, None, flags)
        finally:
            self._busy = False


def close_rights(ancdata):
    """Close the received file descriptors: a batch cannot return them to the caller."""
    for level, kind, data in ancdata:
        if (level, kind) == (_stdlib.SOL_SOCKET, getattr(_stdlib, "SCM_RIGHTS", None)):
            for fd in memoryview(data[: len(data) // 4 * 4]).cast("i"):
                _stdlib.close(fd)


def _ancillary_attribute(name):
    return property(lambda self: getattr(self._ancillary(), name), doc=f"As `Ancillary.{name}`.")


class Datagram:
    """A datagram of a `DatagramBatch`: `batch[i]`. `bytes()` of it returns a copy of its bytes."""

    __module__ = PACKAGE
    __slots__ = (
        "_address",
        "_ancdata",
        "_batch",
        "_bytes",
        "_truncated",
        "_flags",
        "_generation",
        "_joined",
    )

    def __init__(self, batch, data, address, flags, ancdata, truncated, joined):
        self._batch, self._generation = batch, batch._generation
        self._bytes, self._address, self._flags = data, address, flags
        self._ancdata, self._truncated, self._joined = ancdata, truncated, joined

    def _check(self):
        if self._generation != self._batch._generation:
            raise RuntimeError("the batch has received again: this datagram is gone")

    def _ancillary(self):
        self._check()
        return parse_ancillary(self._ancdata)

    def __bytes__(self):
        self._check()
        return bytes(self._bytes)

    def __buffer__(self, flags):  # Python calls it since 3.12
        return self.data

    def __len__(self):
        return len(self._bytes)

    @property
    def data(self):
        """A writable memoryview of its bytes. `DatagramBatch.send` sends the changed bytes."""
        self._check()
        return memoryview(self._bytes)

    @property
    def address(self):
        """The sender's address, in the form of the socket's family; None if it has no name."""
        self._check()
        return self._address

    @property
    def truncated(self):
        """Whether it was longer than the slot, so that the rest is lost (MSG_TRUNC)."""
        self._check()
        return self._truncated

    @property
    def control_truncated(self):
        """Whether control messages were lost (MSG_CTRUNC). Then attributes may be None."""
        self._check()
        return bool(self._flags & _stdlib.MSG_CTRUNC)

    @property
    def segment_size(self):
        """The size of the datagrams that GRO joined with it (the last may be shorter), or None."""
        ancillary = self._ancillary()
        return ancillary.segment_size if self._joined else None

    timestamp_ns = _ancillary_attribute("timestamp_ns")
    destination = _ancillary_attribute("destination")
    interface = _ancillary_attribute("interface")
    tos = _ancillary_attribute("tos")
    ecn = _ancillary_attribute("ecn")
    drops = _ancillary_attribute("drops")

    def __repr__(self):
        if self._generation != self._batch._generation:
            return "<Datagram that is gone>"
        return f"<Datagram of {len(self)} bytes from {self._address!r}, {self._ancillary()!r}>"
