"""DatagramBatch: an arena in which datagrams are received, changed, and sent.

The arena has one slot for each message. A receive makes no Python object: the bytes stay in their slot,
several datagrams that UDP_GRO joined in one slot, and `batch[i]` makes the object of datagram i. Only
csrc computes the addresses of slots (ps_inbox_lay).

Each operation on a batch is in its critical section. Where it waits, another thread may enter the
section, as it may acquire the GIL. So it sets `busy` before, and a receive also makes the datagrams
stale.
"""

from ..._shared import PACKAGE, loops
from ..._shared.socket_state import entries, raise_deferred

cimport cython

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.number cimport PyNumber_AsSsize_t
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from .ancillary cimport (
    destination_of, drops_of, ecn_of, format_attributes, interface_of, segment_of, timestamp_of,
    tos_of,
)
from ..core.retry cimport transfer
from .capabilities cimport gro_joins
from .outgoing cimport Outgoing
from ..io.zerocopy_pending cimport apply_notices, sends_by_cookie
from ..core.arguments cimport as_int
from ..core.sockaddr cimport unpack_address
from ..core.socket_object cimport audit_address, socket
from ..core.type_name cimport name_as_public
from ..sys.ps_addr cimport AF_UNIX, ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_batch cimport (
    PS_BATCH_SEND_FLAGS, PS_LINE, PS_UDP_MOST, ps_aligned, ps_arrival, ps_inbox, ps_inbox_arrival,
    ps_inbox_free, ps_inbox_init, ps_inbox_lay, ps_piece, ps_recv_batch,
)
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport ps_io
from ..sys.ps_meta cimport PS_META_SEGMENT, ps_meta, ps_meta_parse
from ..sys.ps_socket cimport SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM
from ..sys.ps_wait cimport POLLIN


cdef enum:
    SLOTS_MOST = 1 << 16


cdef object not_for_batches(socket sock):
    """The exception for a socket that has no datagrams."""
    return loops.datagrams.not_for_batches(sock)


cdef object send_by_loops(socket sock, list pairs, object address, int flags):
    return loops.datagrams.sendmmsg(sock, pairs, address, flags)


cdef class Arena:
    """The memory of the slots. A batch and its datagrams have references to it."""
    cdef char *memory
    cdef size_t size

    def __cinit__(self, size_t size):
        self.memory = <char *>PyMem_Calloc(size + PS_LINE, 1)  # large: not mapped before use
        if self.memory == NULL:
            raise MemoryError()
        self.size = size

    def __dealloc__(self):
        PyMem_Free(self.memory)


cdef class DatagramBatch:
    """DatagramBatch(slots, slot_size)
--

    Slots for *slots* messages (1 to 65536) with room for *slot_size* bytes (1 to 65535) each. The
    memory is allocated once, and used by every receive. `recv_into(sock)` receives into the slots,
    `batch[i]` is datagram i, `len(batch)` is the number of datagrams, and `send(sock)` sends them.
    After `sock.set_gro()` one slot receives all datagrams that the kernel has joined, up to 65535
    bytes. They are separate items of the batch, so a batch can have more datagrams than slots. Each
    datagram is cut at *slot_size* bytes, joined or not.

    A `Datagram` is valid until the next `recv_into`. After it the attributes raise RuntimeError, and
    a memoryview of its bytes has whatever is in the slot then. Only one thread may use a batch at a
    time: a second one gets RuntimeError. Raises ValueError for sizes out of range.
    """
    cdef ps_inbox inbox
    cdef ps_arrival *arrivals      # of each message that came
    cdef size_t *first_index       # by message: the index of its first datagram; then their count
    cdef Arena arena
    cdef size_t slot_size
    cdef size_t messages           # that the last receive returned
    cdef size_t joined             # how many of these have several datagrams
    cdef unsigned long generation  # the number of the receive, which its datagrams have, too
    cdef bint busy

    def __cinit__(self, Py_ssize_t slots, Py_ssize_t slot_size):
        if not 1 <= slots <= SLOTS_MOST:
            raise ValueError(f"slots must be 1 to {SLOTS_MOST}")
        if not 1 <= slot_size <= PS_UDP_MOST:
            raise ValueError(f"slot_size must be 1 to {PS_UDP_MOST}")
        self.slot_size = <size_t>slot_size
        self.arrivals = <ps_arrival *>PyMem_Calloc(<size_t>slots, sizeof(ps_arrival))
        self.first_index = <size_t *>PyMem_Calloc(<size_t>slots + 1, sizeof(size_t))
        if (self.arrivals == NULL or self.first_index == NULL
                or ps_inbox_init(&self.inbox, <size_t>slots) < 0):
            raise MemoryError()
        self.allocate_arena(self.slot_size)

    def __dealloc__(self):
        ps_inbox_free(&self.inbox)
        PyMem_Free(self.arrivals)
        PyMem_Free(self.first_index)

    cdef int allocate_arena(self, size_t slot_bytes) except -1:
        """Use a new arena with *slot_bytes* bytes a slot. Datagrams keep the old one alive."""
        cdef Arena arena = Arena(self.inbox.slots * slot_bytes)
        self.messages = 0
        if ps_inbox_lay(&self.inbox, ps_aligned(arena.memory), arena.size, slot_bytes) < 0:
            raise MemoryError()
        self.arena = arena
        return 0

    cdef int set_busy(self) except -1:
        if self.busy:
            raise RuntimeError("the batch is in use")
        self.busy = True
        return 0

    cdef Py_ssize_t count(self) noexcept:
        return <Py_ssize_t>self.first_index[self.messages]

    @property
    def slots(self):
        """How many messages one `recv_into` receives at most."""
        return self.inbox.slots

    @property
    def slot_size(self):
        """How many bytes of a datagram are kept at most."""
        return self.slot_size

    @cython.critical_section
    def __len__(self):
        return self.count()

    @cython.critical_section
    def __getitem__(self, number):
        cdef Py_ssize_t index = PyNumber_AsSsize_t(number, IndexError)
        cdef Py_ssize_t count = self.count()
        if index < 0:
            index += count
        if not 0 <= index < count:
            raise IndexError("no such datagram in the batch")
        return new_datagram(self, <size_t>index)

    def __repr__(self):
        return (f"<DatagramBatch of {self.inbox.slots} slots of {self.slot_size} bytes, "
                f"{self.count()} datagrams>")

    cdef size_t message_of(self, size_t index) noexcept:
        """The message of datagram *index*, which must exist."""
        cdef size_t low, high, middle
        if self.joined == 0:
            return index
        low = 0
        high = self.messages
        while high - low > 1:
            middle = (low + high) // 2
            if self.first_index[middle] <= index:
                low = middle
            else:
                high = middle
        return low

    cdef int count_arrivals(self) except -1:
        """Describe all messages of the last receive, and number their datagrams."""
        cdef size_t total = 0
        self.joined = 0
        while ps_inbox_arrival(&self.inbox, self.messages, &self.arrivals[self.messages]) == 0:
            self.joined += self.arrivals[self.messages].datagrams > 1
            self.first_index[self.messages] = total
            total += self.arrivals[self.messages].datagrams
            self.messages += 1
        self.first_index[self.messages] = total
        return 0

    @cython.critical_section
    def recv_into(self, socket sock not None, flags=0):
        """recv_into(sock[, flags]) -> number of datagrams

        Wait for a datagram, for as long as the timeout of *sock*, and receive those that have arrived
        behind it, one message a slot (`recvmmsg(2)`). *flags* are MSG_* constants, or'ed together. The
        old datagrams of the batch become invalid, even if none is received. The control messages for
        which the socket has an option set are the attributes of a `Datagram`. Descriptors that come
        over AF_UNIX are closed. Raises TimeoutError, BlockingIOError, OSError, RuntimeError if another
        thread uses the batch.
        """
        cdef ps_io io
        cdef int64_t deadline = 0
        io.flags = as_int(flags)
        if sock.sock_type == SOCK_STREAM or not ps_addr_family_known(sock.sock_family):
            raise not_for_batches(sock)
        self.set_busy()
        try:
            self.generation += 1
            self.messages = 0
            self.first_index[0] = 0
            if entries:
                raise_deferred(sock)
            if self.inbox.room < PS_UDP_MOST and gro_joins(sock):
                self.allocate_arena(PS_UDP_MOST)
            self.inbox.family = sock.sock_family
            # SOCK_SEQPACKET: one message a call, because after the end of the connection recvmmsg(2)
            # would fill every further slot with an empty message.
            self.inbox.wanted = 1 if sock.sock_type == SOCK_SEQPACKET else 0
            io.buf = &self.inbox
            io.len = 0
            io.likely = self.inbox.bytes
            transfer(sock, ps_recv_batch, &io, POLLIN, &deadline)
            if io.flags & MSG_ERRQUEUE and sends_by_cookie:
                apply_notices(sock, &self.inbox)
            self.count_arrivals()
        finally:
            self.busy = False
        return self.count()

    cdef int add_pieces(self, Outgoing out, socket sock, size_t count, const ps_sockaddr *name,
                        int length) except -1:
        """Add the first *count* datagrams to *out*, for *name*, or each for its sender if that is NULL.

        Datagrams that came joined are one piece, unless they are cut at the slot size.
        """
        cdef ps_arrival *arrival
        cdef ps_piece *piece
        cdef const ps_sockaddr *last = NULL
        cdef size_t i, segment, offset, added
        cdef size_t left = count
        cdef set peers = set()
        for i in range(self.messages):
            if left == 0:
                break
            arrival = &self.arrivals[i]
            if name == NULL and (i == 0 or arrival.namelen != self.arrivals[i - 1].namelen
                                 or memcmp(arrival.name, last, arrival.namelen)):
                last = arrival.name
                peers.add(unpack_address(arrival.name, arrival.namelen))
            segment = arrival.segment
            added = 0
            offset = 0
            while added < arrival.datagrams and added < left:
                piece = out.add_memory(arrival.data + offset, 0)
                piece.name = name
                piece.namelen = <socklen_t>length
                if name == NULL and arrival.namelen > 0:
                    piece.name = arrival.name
                    piece.namelen = arrival.namelen
                if segment <= self.slot_size and arrival.datagrams > 1:
                    piece.segment = segment
                    added = min(arrival.datagrams, left)
                    piece.len = min(arrival.len, added * segment)
                else:
                    piece.len = min(min(segment, arrival.len - offset), self.slot_size)
                    added += 1
                    offset += segment
                out.total += piece.len
            left -= added
        if name == NULL:
            out.several_peers = len(peers) > 1
            for peer in peers:
                audit_address("socket.sendmsg", sock, peer)
        return 0

    @cython.critical_section
    def send(self, socket sock not None, n=None, address=None, flags=0):
        """send(sock[, n[, address[, flags]]]) -> number of datagrams sent

        Send the first *n* datagrams, or all of them without *n*, to *address*, or each to its sender
        without *address*. *flags* are MSG_* constants, or'ed together. Consecutive datagrams of one
        size to one peer are sent together, and so are those that were joined when they came
        (UDP_SEGMENT). The call waits, returns early and raises as `socket.sendmmsg` does. Raises
        ValueError where *n* is negative or more than the number of datagrams, and RuntimeError if
        another thread uses the batch. Audit event `socket.sendmsg`, once for each address.
        """
        cdef Outgoing out
        cdef const ps_sockaddr *name = NULL
        cdef int length = 0
        cdef int c_flags = as_int(flags)
        cdef size_t count
        cdef Py_ssize_t wanted = self.count() if n is None else n
        self.set_busy()
        try:
            if not 0 <= wanted <= self.count():
                raise ValueError(f"n must be 0 to {self.count()}")
            if (c_flags & ~PS_BATCH_SEND_FLAGS or sock.sock_type != SOCK_DGRAM
                    or not ps_addr_family_known(sock.sock_family)):
                return send_by_loops(sock, self.pairs(wanted, address), None, c_flags)
            count = <size_t>wanted
            out = Outgoing()
            out.allocate(wanted)
            if address is not None:
                name = out.add_name(sock, address, &length)
                if name == NULL:
                    return send_by_loops(sock, self.pairs(wanted, address), None, c_flags)
                audit_address("socket.sendmsg", sock, address)
            self.add_pieces(out, sock, count, name, length)
            return out.send(sock, c_flags, False)
        finally:
            self.busy = False

    cdef list pairs(self, Py_ssize_t count, object address):
        """The first *count* datagrams as pairs (bytes, address), for the loops of _shared/loops/."""
        cdef list pairs = []
        for i in range(count):
            datagram = self[i]
            pairs.append((bytes(datagram), datagram.address if address is None else address))
        return pairs


cdef Datagram new_datagram(DatagramBatch batch, size_t index):
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
    cdef DatagramBatch batch
    cdef Arena arena
    cdef unsigned long generation
    cdef size_t message
    cdef char *data
    cdef size_t length
    cdef bint is_cut
    cdef bint parsed
    cdef ps_meta meta

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


name_as_public(DatagramBatch, PACKAGE)
name_as_public(Datagram, PACKAGE)
