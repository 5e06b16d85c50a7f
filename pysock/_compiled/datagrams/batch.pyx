"""DatagramBatch: an arena in which datagrams are received, changed, and sent.

The arena has one slot for each message. A receive makes no Python object: the bytes stay in their slot,
several datagrams that UDP_GRO joined in one slot, and `batch[i]` makes the object of datagram i.

Each operation on a batch is in its critical section. Where it waits, another thread may enter the
section, as it may acquire the GIL. So it sets `busy` before, and a receive also makes the datagrams
stale.
"""

from ..._shared import PACKAGE, loops
from ..._shared.socket_state import entries, raise_deferred

cimport cython

from cpython.number cimport PyNumber_AsSsize_t
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from ..core.retry cimport transfer
from .capabilities cimport gro_joins
from .datagram cimport new_datagram
from .outgoing cimport Outgoing
from .slots cimport Slots
from ..io.zerocopy_pending cimport apply_notices, sends_by_cookie
from ..core.arguments cimport as_int
from ..core.sockaddr cimport unpack_address
from ..core.socket_object cimport audit_address, socket
from ..core.type_name cimport name_as_public
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_batch cimport (
    PS_BATCH_SEND_FLAGS, PS_MAX_UDP, ps_arrival, ps_piece, ps_recv_batch,
)
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport ps_io
from ..sys.ps_socket cimport SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM
from ..sys.ps_wait cimport POLLIN


cdef object not_for_batches(socket sock):
    """The exception for a socket that has no datagrams."""
    return loops.datagrams.not_for_batches(sock)


cdef object send_by_loops(socket sock, list pairs, object address, int flags):
    return loops.datagrams.sendmmsg(sock, pairs, address, flags)


cdef class DatagramBatch(Slots):
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
            if self.inbox.room < PS_MAX_UDP and gro_joins(sock):
                self.allocate_arena(PS_MAX_UDP)
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


name_as_public(DatagramBatch, PACKAGE)
