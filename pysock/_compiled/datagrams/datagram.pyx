"""One datagram of a DatagramBatch: its bytes, in place, and what the kernel says about it."""

from ..._shared import PACKAGE

cimport cython

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromObject

from .ancillary cimport (
    destination_of, drops_of, ecn_of, format_attributes, interface_of, segment_of, timestamp_of,
    tos_of,
)
from .slots cimport Slots
from ..core.sockaddr cimport unpack_address
from ..core.type_name cimport name_as_public
from ..sys.ps_batch cimport ps_arrival
from ..sys.ps_meta cimport PS_META_SEGMENT, ps_meta, ps_meta_parse


cdef Datagram new_datagram(Slots batch, size_t index):
    cdef Datagram datagram = Datagram.__new__(Datagram)
    cdef ps_arrival *arrival
    cdef size_t offset
    datagram.batch = batch
    datagram.arena = batch.arena
    datagram.generation = batch.generation
    datagram.message = batch.message_of(index)
    arrival = &batch.arrivals[datagram.message]
    offset = (index - batch.first_index[datagram.message]) * arrival.segment
    datagram.data = arrival.data + offset
    datagram.length = min(arrival.segment, arrival.len - offset)
    datagram.is_cut = arrival.truncated or datagram.length > batch.slot_size
    datagram.length = min(datagram.length, batch.slot_size)
    return datagram


cdef object address_of(const ps_arrival *arrival):
    return unpack_address(arrival.name, arrival.namelen)


cdef class Datagram:
    """One datagram of a `DatagramBatch`: `batch[i]`. `bytes(datagram)` is a copy of its bytes."""
    def __init__(self):
        raise TypeError("a Datagram is an item of a DatagramBatch")

    cdef bint is_stale(self) noexcept:
        """Whether the batch has received again."""
        return self.batch is None or self.generation != self.batch.generation

    cdef ps_arrival *arrival(self) except NULL:
        """The message of the datagram; RuntimeError if the batch has received again."""
        with cython.critical_section(self.batch):
            if self.is_stale():
                raise RuntimeError("the batch has received again: this datagram is gone")
            return &self.batch.arrivals[self.message]

    cdef const ps_meta *parsed_meta(self) except NULL:
        """The control messages, which are parsed by the first call."""
        with cython.critical_section(self.batch):
            self.arrival()
            if not self.parsed:
                ps_meta_parse(&self.meta, &self.batch.inbox.headers[self.message].msg_hdr)
                if self.batch.arrivals[self.message].datagrams == 1:
                    self.meta.has &= ~<unsigned>PS_META_SEGMENT  # it came alone
                self.parsed = True
            return &self.meta

    def __getbuffer__(self, Py_buffer *view, int flags):
        self.arrival()
        view.buf = self.data
        view.len = <Py_ssize_t>self.length
        view.itemsize = 1
        view.readonly = False
        view.format = <char *>"B" if flags & PyBUF_FORMAT else <char *>NULL
        view.ndim = 1
        view.shape = &view.len if flags & PyBUF_ND else NULL
        view.strides = &view.itemsize if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL
        view.obj = self

    def __bytes__(self):
        with cython.critical_section(self.batch):
            self.arrival()
            return PyBytes_FromStringAndSize(self.data, <Py_ssize_t>self.length)

    def __len__(self):
        return <Py_ssize_t>self.length

    @property
    def data(self):
        """A writable memoryview of its bytes. `DatagramBatch.send` sends what is written to it."""
        return PyMemoryView_FromObject(self)

    @property
    def address(self):
        """The address of the sender, in the form of the socket's family; None where it has none."""
        with cython.critical_section(self.batch):
            return address_of(self.arrival())

    @property
    def truncated(self):
        """Whether it was longer than a slot, so that the rest of it is lost (MSG_TRUNC)."""
        self.arrival()
        return self.is_cut

    @property
    def control_truncated(self):
        """Whether control messages were lost (MSG_CTRUNC): an attribute that is None may be lost."""
        with cython.critical_section(self.batch):
            return self.arrival().control_truncated

    @property
    def timestamp_ns(self):
        """When the kernel received it, in ns since 1970 (SO_TIMESTAMPNS, SO_TIMESTAMP)."""
        return timestamp_of(self.parsed_meta())

    @property
    def destination(self):
        """The host it was sent to, as text (IP_PKTINFO, IPV6_RECVPKTINFO)."""
        return destination_of(self.parsed_meta())

    @property
    def interface(self):
        """The index of the interface that it arrived on; see `if_indextoname()`."""
        return interface_of(self.parsed_meta())

    @property
    def tos(self):
        """The type-of-service byte, or the traffic class (IP_RECVTOS, IPV6_RECVTCLASS)."""
        return tos_of(self.parsed_meta())

    @property
    def ecn(self):
        """The two lowest bits of `tos` (RFC 3168): 0 not capable, 1 and 2 capable, 3 congestion."""
        return ecn_of(self.parsed_meta())

    @property
    def segment_size(self):
        """Bytes of each datagram that it was joined with, except the last; None if it came alone."""
        return segment_of(self.parsed_meta())

    @property
    def drops(self):
        """How many datagrams a full receive buffer had made the socket drop by then (SO_RXQ_OVFL)."""
        return drops_of(self.parsed_meta())

    def __repr__(self):
        with cython.critical_section(self.batch):
            if self.is_stale():
                return "<Datagram that is gone>"
            attributes = format_attributes(self.parsed_meta())
            address = address_of(self.arrival())
        separator = ", " if attributes else ""
        return f"<Datagram of {self.length} bytes from {address!r}{separator}{attributes}>"


name_as_public(Datagram, PACKAGE)
