"""DatagramBatch: an arena that datagrams are received into, changed in, and sent from.

Nothing is made for a datagram unless it is looked at: what the kernel handed over stays where it is,
a joined message in one piece, and `batch[i]` finds datagram i in it. The arena has one slot for each
message, laid out in csrc (ps_inbox_lay): a slot's address comes from nowhere else.

What is done to a batch without waiting is done in its critical section. It is given up to wait, as a
GIL would be; until then `busy` has been set, and the datagrams are gone.
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
    destination_of, drops_of, ecn_of, interface_of, segment_of, show, timestamp_of, tos_of,
)
from ..core.retry cimport transfer
from .capabilities cimport gro_joins
from .outgoing cimport Outgoing
from ..io.zerocopy_pending cimport sends_by_cookie, apply_notices
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
    return loops.datagrams.not_for_batches(sock)


cdef object send_by_loops(socket sock, list pairs, object address, int flags):
    return loops.datagrams.sendmmsg(sock, pairs, address, flags)


cdef class Arena:
    """Memory that lives for as long as a batch or a view has it."""
    cdef char *memory
    cdef size_t size

    def __cinit__(self, size_t size):
        self.memory = <char *>PyMem_Calloc(size + PS_LINE, 1)  # large: mapped when touched
        if self.memory == NULL:
            raise MemoryError()
        self.size = size

    def __dealloc__(self):
        PyMem_Free(self.memory)


cdef class DatagramBatch:
    """DatagramBatch(slots, slot_size)
--

    Room for *slots* messages (1 to 65536) of *slot_size* bytes each, allocated once and used again
    and again. `recv_into(sock)` fills it, `batch[i]` is datagram i, `len(batch)` how many there are,
    `send(sock)` sends them. After `sock.set_gro()` a slot takes what the kernel joined, up to 65535
    bytes of it, and is shown as the single datagrams: there can be more of them than slots. Each
    is cut at *slot_size*, joined or not.

    A `Datagram` and what it gives out belong to the batch as it is: after the next `recv_into` its
    attributes raise RuntimeError, and a view of its bytes shows whatever is there by then. One
    thread uses a batch at a time: RuntimeError for a second one. ValueError for sizes out of range.
    """
    cdef ps_inbox inbox
    cdef ps_arrival *arrivals  # of each message that came
    cdef size_t *firsts        # the number of its first datagram; one more entry for their count
    cdef Arena arena
    cdef size_t slot_size
    cdef size_t messages
    cdef size_t joined         # messages among them of several datagrams
    cdef unsigned long generation
    cdef bint busy

    def __cinit__(self, Py_ssize_t slots, Py_ssize_t slot_size):
        if not 1 <= slots <= SLOTS_MOST:
            raise ValueError(f"slots must be 1 to {SLOTS_MOST}")
        if not 1 <= slot_size <= PS_UDP_MOST:
            raise ValueError(f"slot_size must be 1 to {PS_UDP_MOST}")
        self.slot_size = <size_t>slot_size
        self.arrivals = <ps_arrival *>PyMem_Calloc(<size_t>slots, sizeof(ps_arrival))
        self.firsts = <size_t *>PyMem_Calloc(<size_t>slots + 1, sizeof(size_t))
        if (self.arrivals == NULL or self.firsts == NULL
                or ps_inbox_init(&self.inbox, <size_t>slots) < 0):
            raise MemoryError()
        self.lay(self.slot_size)

    def __dealloc__(self):
        ps_inbox_free(&self.inbox)
        PyMem_Free(self.arrivals)
        PyMem_Free(self.firsts)

    cdef int lay(self, size_t room) except -1:
        """An arena of so many bytes a slot. Views of the one before keep that alive."""
        cdef Arena arena = Arena(self.inbox.slots * room)
        self.messages = 0
        if ps_inbox_lay(&self.inbox, ps_aligned(arena.memory), arena.size, room) < 0:
            raise MemoryError()
        self.arena = arena
        return 0

    cdef int set_busy(self) except -1:
        if self.busy:
            raise RuntimeError("the batch is in use")
        self.busy = True
        return 0

    cdef Py_ssize_t count(self) noexcept:
        return <Py_ssize_t>self.firsts[self.messages]

    @property
    def slots(self):
        """How many messages one `recv_into` takes at most."""
        return self.inbox.slots

    @property
    def slot_size(self):
        """How many bytes of a datagram there is room for."""
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
        """The message that datagram *index*, which there is, lies in."""
        cdef size_t low, high, middle
        if self.joined == 0:
            return index
        low = 0
        high = self.messages
        while high - low > 1:
            middle = (low + high) // 2
            if self.firsts[middle] <= index:
                low = middle
            else:
                high = middle
        return low

    cdef int count_arrivals(self) except -1:
        cdef size_t total = 0
        self.joined = 0
        while ps_inbox_arrival(&self.inbox, self.messages, &self.arrivals[self.messages]) == 0:
            self.joined += self.arrivals[self.messages].datagrams > 1
            self.firsts[self.messages] = total
            total += self.arrivals[self.messages].datagrams
            self.messages += 1
        self.firsts[self.messages] = total
        return 0

    @cython.critical_section
    def recv_into(self, socket sock not None, flags=0):
        """recv_into(sock[, flags]) -> number of datagrams

        Wait for a datagram, as *sock*'s timeout says, and take what else has arrived, a message a
        slot (`recvmmsg(2)`). What was in the batch before is gone, also when nothing comes. Control
        messages that the socket asked for are kept for `Datagram`'s attributes; descriptors that
        come over AF_UNIX are closed. Raises TimeoutError, BlockingIOError, OSError.
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
            self.firsts[0] = 0
            if entries:
                raise_deferred(sock)
            if self.inbox.room < PS_UDP_MOST and gro_joins(sock):
                self.lay(PS_UDP_MOST)
            self.inbox.family = sock.sock_family
            # One at a time where a connection may end: its end would be in every slot that is left.
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

    cdef int gather(self, Outgoing out, socket sock, size_t count, const ps_sockaddr *name,
                    int length) except -1:
        """Put the first *count* datagrams into *out*, to *name* or each to where it came from."""
        cdef ps_arrival *arrival
        cdef ps_piece *piece
        cdef const ps_sockaddr *last = NULL
        cdef size_t i, step, offset, seen
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
            step = arrival.segment
            seen = 0
            offset = 0
            while seen < arrival.datagrams and seen < left:
                piece = out.add_memory(arrival.data + offset, 0)
                piece.name = name
                piece.namelen = <socklen_t>length
                if name == NULL and arrival.namelen > 0:
                    piece.name = arrival.name
                    piece.namelen = arrival.namelen
                if step <= self.slot_size and arrival.datagrams > 1:
                    piece.segment = step
                    seen = min(arrival.datagrams, left)
                    piece.len = min(arrival.len, seen * step)
                else:
                    piece.len = min(min(step, arrival.len - offset), self.slot_size)
                    seen += 1
                    offset += step
                out.total += piece.len
            left -= seen
        if name == NULL:
            out.several_peers = len(peers) > 1
            for peer in peers:
                audit_address("socket.sendmsg", sock, peer)
        return 0

    @cython.critical_section
    def send(self, socket sock not None, n=None, address=None, flags=0):
        """send(sock[, n[, address[, flags]]]) -> number of datagrams sent

        Send the first *n* datagrams, all without it: to *address*, or each to where it came from.
        Runs of one size to one peer go together, and what came joined goes joined (UDP_SEGMENT).
        Waits, returns early and raises as `socket.sendmmsg` does; ValueError where *n* is negative
        or more than there are. Audit event `socket.sendmsg`, once for each address.
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
            # A joined message is one piece, unless its datagrams are cut at the slot size.
            out.make_room(wanted)
            if address is not None:
                name = out.add_name(sock, address, &length)
                if name == NULL:
                    return send_by_loops(sock, self.pairs(wanted, address), None, c_flags)
                audit_address("socket.sendmsg", sock, address)
            self.gather(out, sock, count, name, length)
            return out.send(sock, c_flags, False)
        finally:
            self.busy = False

    cdef list pairs(self, Py_ssize_t count, object address):
        cdef list made = []
        for i in range(count):
            datagram = self[i]
            made.append((bytes(datagram), datagram.address if address is None else address))
        return made


cdef Datagram new_datagram(DatagramBatch batch, size_t index):
    cdef Datagram made = Datagram.__new__(Datagram)
    cdef ps_arrival *arrival
    cdef size_t offset
    made.batch = batch
    made.arena = batch.arena
    made.generation = batch.generation
    made.message = batch.message_of(index)
    arrival = &batch.arrivals[made.message]
    offset = (index - batch.firsts[made.message]) * arrival.segment
    made.data = arrival.data + offset
    made.length = min(arrival.segment, arrival.len - offset)
    made.cut = arrival.truncated or made.length > batch.slot_size
    made.length = min(made.length, batch.slot_size)
    return made


cdef object address_of(const ps_arrival *arrival):
    return unpack_address(arrival.name, arrival.namelen)


cdef class Datagram:
    """One datagram of a `DatagramBatch`: `batch[i]`. `bytes()` of it copies its bytes."""
    cdef DatagramBatch batch
    cdef Arena arena
    cdef unsigned long generation
    cdef size_t message
    cdef char *data
    cdef size_t length
    cdef bint cut
    cdef bint parsed
    cdef ps_meta meta

    def __init__(self):
        raise TypeError("a Datagram is an item of a DatagramBatch")

    cdef bint is_gone(self) noexcept:
        return self.batch is None or self.generation != self.batch.generation

    cdef ps_arrival *arrival(self) except NULL:
        with cython.critical_section(self.batch):
            if self.is_gone():
                raise RuntimeError("the batch has received again: this datagram is gone")
            return &self.batch.arrivals[self.message]

    cdef const ps_meta *told(self) except NULL:
        with cython.critical_section(self.batch):
            self.arrival()
            if not self.parsed:
                ps_meta_parse(&self.meta, &self.batch.inbox.headers[self.message].msg_hdr)
                if self.batch.arrivals[self.message].datagrams == 1:
                    self.meta.has &= ~<unsigned>PS_META_SEGMENT  # joined with none
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
        """A writable view of its bytes, in place: what is changed there, `DatagramBatch.send` sends."""
        return PyMemoryView_FromObject(self)

    @property
    def address(self):
        """The sender, in the form of the socket's family; None where it has no name."""
        with cython.critical_section(self.batch):
            return address_of(self.arrival())

    @property
    def truncated(self):
        """Whether it was longer than the slot, and the rest is lost (MSG_TRUNC)."""
        self.arrival()
        return self.cut

    @property
    def control_truncated(self):
        """Whether control messages were lost (MSG_CTRUNC): what was not told may have been."""
        with cython.critical_section(self.batch):
            return self.arrival().control_truncated

    @property
    def timestamp_ns(self):
        """When the kernel received it: nanoseconds since 1970 (SO_TIMESTAMPNS, SO_TIMESTAMP)."""
        return timestamp_of(self.told())

    @property
    def destination(self):
        """The host it was sent to, as text (IP_PKTINFO, IPV6_RECVPKTINFO)."""
        return destination_of(self.told())

    @property
    def interface(self):
        """The index of the interface it came in by; see `if_indextoname()`."""
        return interface_of(self.told())

    @property
    def tos(self):
        """The type-of-service byte, or the traffic class (IP_RECVTOS, IPV6_RECVTCLASS)."""
        return tos_of(self.told())

    @property
    def ecn(self):
        """The two lowest bits of `tos` (RFC 3168): 0 not capable, 1 and 2 capable, 3 congestion."""
        return ecn_of(self.told())

    @property
    def segment_size(self):
        """Bytes of each datagram of the message it came joined in, but the last; None if alone."""
        return segment_of(self.told())

    @property
    def drops(self):
        """How many datagrams the socket had dropped for want of room by then (SO_RXQ_OVFL)."""
        return drops_of(self.told())

    def __repr__(self):
        with cython.critical_section(self.batch):
            if self.is_gone():
                return "<Datagram that is gone>"
            told = show(self.told())
            address = address_of(self.arrival())
        return f"<Datagram of {self.length} bytes from {address!r}{', ' if told else ''}{told}>"


name_as_public(DatagramBatch, PACKAGE)
name_as_public(Datagram, PACKAGE)
