"""Many datagrams by few system calls: recvmmsg.

Each public function is a method: _compiled/socket.py lists it in `socket`. The kernel writes into slots
that are kept from call to call, and each datagram is copied from its slot into a bytes object. Where
the kernel may join datagrams (GRO), a slot has room for the largest message, so that no joined message
is cut, whatever *bufsize* is. The arena of the slots is small enough to stay in the processor's cache.
A call with more messages than slots fills it several times.

Where no datagrams are joined, and *bufsize* is about the size of a packet, each slot is a bytes object
itself. A datagram that fills at least half of it is returned in it, without a copy; a smaller one is
copied. A bytes object that was filled completely can be a slot again when no other reference exists
(bytes_object.h).
"""

from errno import ENOBUFS

from ..._shared import loops
from ..._shared.socket_state import entries, defer_error, raise_deferred

cimport cython

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.errno cimport EAGAIN, EINTR
from libc.stdint cimport int64_t

from ..core.gil_policy cimport gil_hold
from ..core.retry cimport transfer
from .capabilities cimport gro_joins
from ..core.errors cimport raise_errno
from ..io.zerocopy_pending cimport apply_notices, sends_by_cookie
from ..core.arguments cimport as_int
from ..core.bytes_object cimport bytes_data, cut_bytes, new_bytes, reuse_bytes
from ..core.sockaddr cimport unpack_address
from ..core.socket_object cimport socket
from ..core.threads cimport pop_spare, push_spare, shared_pointer, shared_size
from ..sys.ps_addr cimport AF_UNIX, ps_addr_family_known, ps_sockaddr
from ..sys.ps_batch cimport (
    MSG_DONTWAIT, MSG_PEEK, PS_BATCH, PS_LINE, PS_MAX_UDP, ps_aligned, ps_arrival, ps_inbox,
    ps_inbox_arrival, ps_inbox_free, ps_inbox_init, ps_inbox_lay, ps_inbox_place, ps_mmsghdr,
    ps_recv_batch,
)
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport ps_io
from ..sys.ps_socket cimport SOCK_DGRAM
from ..sys.ps_wait cimport POLLIN


cdef extern from "Python.h":
    void PyObject_GC_Track(void *)
    void PyObject_GC_UnTrack(void *)


cdef enum:
    ARENA_SIZE = 1 << 19     # bytes, unless one message needs more
    MIN_BYTES_SLOT = 512   # sizes of slots that are bytes objects. A smaller one is as fast to copy,
    MAX_BYTES_SLOT = 4096   # and a larger one is mostly larger than the datagram

cdef size_t NO_LAYOUT = <size_t>-1  # as inbox.room: the slots have no memory yet


cdef class Slots:
    """An inbox, and the memory of its slots."""
    cdef ps_inbox inbox
    cdef char *arena
    cdef size_t size
    cdef PyObject *objects[PS_BATCH]  # by slot: NULL, or the bytes object that it is, or was last

    def __cinit__(self):
        cdef Py_ssize_t i
        for i in range(PS_BATCH):
            self.objects[i] = NULL
        self.arena = NULL
        self.size = 0
        if ps_inbox_init(&self.inbox, PS_BATCH) < 0:
            raise MemoryError()
        self.inbox.room = NO_LAYOUT

    def __dealloc__(self):
        self.drop_objects()
        ps_inbox_free(&self.inbox)
        PyMem_Free(self.arena)

    cdef int drop_objects(self) except -1:
        cdef Py_ssize_t i
        for i in range(PS_BATCH):
            Py_XDECREF(self.objects[i])
            self.objects[i] = NULL
        self.inbox.room = NO_LAYOUT
        return 0

    cdef int use_bytes(self, size_t count) except -1:
        """Make each of the first *count* slots a bytes object to which no other reference exists."""
        cdef PyObject *last
        cdef size_t i
        cdef size_t room = self.inbox.room
        for i in range(count):
            last = self.objects[i]
            if last != NULL and reuse_bytes(last):
                continue
            self.objects[i] = NULL
            Py_XDECREF(last)
            self.objects[i] = new_bytes(NULL, <Py_ssize_t>room)
            ps_inbox_place(&self.inbox, i, bytes_data(self.objects[i]), room)
        return 0

    cdef object take_bytes(self, size_t i, size_t length):
        """The first *length* bytes of slot i: the object itself, or a copy of less than half of it."""
        cdef PyObject *data = self.objects[i]
        if length == self.inbox.room:
            return <object>data
        if length * 2 < self.inbox.room:
            return PyBytes_FromStringAndSize(bytes_data(data), <Py_ssize_t>length)
        self.objects[i] = NULL
        return cut_bytes(&data, length)

    cdef size_t set_layout(self, size_t room, int family) except 0:
        """Give each slot *room* bytes; return how many slots there are."""
        cdef size_t slots = min(<size_t>PS_BATCH, max(<size_t>1, ARENA_SIZE // max(room, <size_t>1)))
        if slots * room > self.size or self.arena == NULL:
            PyMem_Free(self.arena)
            self.size = max(slots * room, <size_t>ARENA_SIZE)
            self.arena = <char *>PyMem_Malloc(self.size + PS_LINE)
            if self.arena == NULL:
                self.size = 0
                raise MemoryError()
            self.inbox.room = NO_LAYOUT
        self.inbox.family = family
        if self.inbox.room != room or self.inbox.slots != slots:
            self.drop_objects()
            self.inbox.slots = slots
            if ps_inbox_lay(&self.inbox, ps_aligned(self.arena), self.size, room) < 0:
                raise MemoryError()
        return slots


# A reference to a Slots object. It is popped while it is in use, so that no two threads use it.
cdef shared_pointer spare = NULL

# How many bytes the last receive returned. With this number the GIL policy decides whether to release
# the GIL.
cdef shared_size last_received = 0


cdef Slots acquire_spare():
    cdef PyObject *popped = <PyObject *>pop_spare(&spare)
    if popped == NULL:
        return Slots()
    slots = <Slots>popped
    Py_DECREF(slots)
    return slots


cdef void release_spare(Slots slots) noexcept:
    # The spare's reference is counted before the push: another thread may pop it at once, and drop it.
    Py_INCREF(slots)
    if slots.size > ARENA_SIZE or not push_spare(&spare, <PyObject *>slots):
        Py_DECREF(slots)


cdef ssize_t receive_more(socket sock, ps_io *io) except -1:
    """Receive without waiting; return the number of messages. The next call raises an error."""
    cdef ssize_t n
    cdef int fd = sock.sock_fd
    if io.likely <= gil_hold:
        n = ps_recv_batch(fd, io, io.flags | MSG_DONTWAIT)
    else:
        with nogil:
            n = ps_recv_batch(fd, io, io.flags | MSG_DONTWAIT)
    if n >= 0:
        return n
    if n != -EAGAIN and n != -EINTR:
        try:
            raise_errno(n)
        except OSError as error:
            defer_error(sock, error)
    return 0


cdef list unpack_single(Slots slots, size_t most, bint bytes_slots):
    """`unpack` for messages of which none has control data, so that each is a single datagram."""
    cdef size_t i, length
    cdef size_t came = slots.inbox.came
    cdef size_t room = slots.inbox.room
    cdef const ps_mmsghdr *header = slots.inbox.headers
    cdef const ps_sockaddr *name = slots.inbox.names
    cdef tuple pair
    cdef list out = PyList_New(<Py_ssize_t>came)
    PyObject_GC_UnTrack(<PyObject *>out)  # gc.get_objects() must not return a list with NULLs
    for i in range(came):
        length = min(header.msg_len, room)
        if bytes_slots:
            data = slots.take_bytes(i, length)
        else:
            data = PyBytes_FromStringAndSize(
                <const char *>header.msg_hdr.msg_iov.iov_base, <Py_ssize_t>min(length, most))
        pair = (data, unpack_address(name, header.msg_hdr.msg_namelen))
        Py_INCREF(pair)
        PyList_SET_ITEM(out, <Py_ssize_t>i, pair)
        header += 1
        name += 1
    PyObject_GC_Track(<PyObject *>out)
    return out


cdef list unpack_joined(socket sock, Slots slots, size_t most, bint joins, bint bytes_slots):
    """`unpack` for messages that may have control data, and so may be several joined datagrams."""
    cdef ps_arrival arrival
    cdef size_t i = 0
    cdef size_t offset, length
    cdef list out = []
    while ps_inbox_arrival(&slots.inbox, i, &arrival) == 0:
        i += 1
        if joins and arrival.control_truncated and arrival.datagrams == 1:
            # The control message with the segment size may be lost. An error is better than joined
            # datagrams that look like one. No kernel sends that much control data today.
            defer_error(sock, OSError(ENOBUFS, "control data was cut: joined datagrams are lost"))
            continue
        address = unpack_address(arrival.name, arrival.namelen)
        if bytes_slots and arrival.datagrams == 1:
            data = slots.take_bytes(i - 1, arrival.len)
            out.append((data, address))
            continue
        if arrival.datagrams == 1:
            out.append((PyBytes_FromStringAndSize(
                arrival.data, <Py_ssize_t>min(arrival.len, most)), address))
            continue
        offset = 0
        while offset < arrival.len:
            length = min(arrival.segment, arrival.len - offset)
            out.append((PyBytes_FromStringAndSize(
                arrival.data + offset, <Py_ssize_t>min(length, most)), address))
            offset += length
    return out


cdef list unpack(socket sock, Slots slots, size_t most, bint joins, bint bytes_slots):
    """The datagrams that came, as a list of (bytes, address), each cut at *most* bytes."""
    if joins or slots.inbox.told > 0:
        return unpack_joined(sock, slots, most, joins, bytes_slots)
    return unpack_single(slots, most, bytes_slots)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def recvmmsg(self, Py_ssize_t max_messages, Py_ssize_t bufsize, flags=0):
        """recvmmsg(max_messages, bufsize[, flags]) -> list of (bytes, address)

        Wait for a datagram, for as long as the socket's timeout, and receive those that have arrived
        behind it (`recvmmsg(2)`), at most *max_messages*. Each is cut at *bufsize* bytes; the rest of a
        longer one is lost, as in `recvfrom`. *flags* are MSG_* constants, or'ed together. After `set_gro`
        the kernel may join several datagrams in one message. *max_messages* limits the messages. The
        list has the single datagrams, so it can be longer.

        An error after the first datagram is raised by the next batch call on the socket. Raises
        TimeoutError, BlockingIOError, OSError; ValueError for a *max_messages* below 1 or a negative
        *bufsize*.
        """
        global last_received
        cdef ps_io io
        cdef Slots slots
        cdef int64_t deadline = 0
        cdef size_t room, slot_count, came
        cdef size_t left
        cdef bint joins, bytes_slots
        cdef list out
        io.flags = as_int(flags)
        if max_messages < 1:
            raise ValueError("max_messages must be at least 1")
        if bufsize < 0:
            raise ValueError("negative buffersize in recvmmsg")
        if self.sock_type != SOCK_DGRAM or not ps_addr_family_known(self.sock_family):
            return loops.datagrams.recvmmsg(self, max_messages, bufsize, io.flags)
        if entries:
            raise_deferred(self)
        room = <size_t>bufsize
        joins = gro_joins(self)
        if self.sock_family != AF_UNIX and (joins or room > PS_MAX_UDP):
            room = PS_MAX_UDP
        bytes_slots = not joins and MIN_BYTES_SLOT <= room <= MAX_BYTES_SLOT
        # With MSG_PEEK a further receive would return the same datagram again.
        left = 1 if io.flags & MSG_PEEK else <size_t>max_messages
        slots = acquire_spare()
        try:
            slot_count = slots.set_layout(room, self.sock_family)
            io.buf = &slots.inbox
            io.len = 0
            io.likely = last_received
            slots.inbox.wanted = min(left, slot_count)
            if bytes_slots:
                slots.use_bytes(slots.inbox.wanted)
            came = <size_t>transfer(self, ps_recv_batch, &io, POLLIN, &deadline)
            if io.flags & MSG_ERRQUEUE and sends_by_cookie:
                apply_notices(self, &slots.inbox)
            last_received = io.likely = slots.inbox.bytes
            out = unpack(self, slots, <size_t>bufsize, joins, bytes_slots)
            left -= came
            while left > 0 and came == slots.inbox.wanted:
                slots.inbox.wanted = min(left, slot_count)
                if bytes_slots:
                    slots.use_bytes(slots.inbox.wanted)
                came = <size_t>receive_more(self, &io)
                if came == 0:
                    break
                if io.flags & MSG_ERRQUEUE and sends_by_cookie:
                    apply_notices(self, &slots.inbox)
                last_received = io.likely = slots.inbox.bytes
                out.extend(unpack(self, slots, <size_t>bufsize, joins, bytes_slots))
                left -= came
            return out
        finally:
            release_spare(slots)
