"""Many datagrams by few system calls: recvmmsg.

A method: _accelerated.py lists it in `socket`. The kernel writes into a staging area that is kept
from call to call, with room for the longest datagram each where it may join some (GRO): what it
joined is never cut, whatever size was asked for. From there each datagram is copied into bytes of
its own. The area is small enough to stay in the processor's cache, and filled as often as it takes.

Where nothing is joined and the size asked for is about a packet's, the slots are bytes objects: one
that was filled by half or more is handed over as it is, and only a shorter datagram is copied. One
that was filled whole is a slot again as soon as nobody else has it (_slotbytes.h).
"""

from errno import ENOBUFS

from ..._shared import loops
from ..._shared.socket_state import entries, defer_error, raise_deferred

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
from ..io.zerocopy_pending cimport sends_by_cookie, apply_notices
from ..core.arguments cimport as_int
from ..core.bytes_object cimport bytes_data, new_bytes, reuse_bytes, resize_bytes
from ..core.sockaddr cimport unpack_address
from ..core.socket_object cimport socket
from ..core.threads cimport pop_spare, push_spare, shared_pointer, shared_size
from ..sys.ps_addr cimport AF_UNIX, ps_addr_family_known, ps_sockaddr
from ..sys.ps_batch cimport (
    MSG_DONTWAIT, MSG_PEEK, PS_BATCH, PS_LINE, PS_UDP_MOST, ps_aligned, ps_arrival, ps_inbox,
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
    STAGED = 1 << 19  # bytes of the staging area, unless one message needs more
    OWN_LEAST = 512   # sizes of bytes objects that slots are made of: smaller ones are as soon
    OWN_MOST = 4096   # copied, larger ones are mostly longer than what comes

cdef size_t NOT_LAID = <size_t>-1


cdef class Staging:
    """An inbox and its arena."""
    cdef ps_inbox inbox
    cdef char *arena
    cdef size_t size
    cdef PyObject *own[PS_BATCH]  # each NULL, or the bytes object that the slot is or was

    def __cinit__(self):
        cdef Py_ssize_t i
        for i in range(PS_BATCH):
            self.own[i] = NULL
        self.arena = NULL
        self.size = 0
        if ps_inbox_init(&self.inbox, PS_BATCH) < 0:
            raise MemoryError()
        self.inbox.room = NOT_LAID

    def __dealloc__(self):
        self.disown()
        ps_inbox_free(&self.inbox)
        PyMem_Free(self.arena)

    cdef int disown(self) except -1:
        cdef Py_ssize_t i
        for i in range(PS_BATCH):
            Py_XDECREF(self.own[i])
            self.own[i] = NULL
        self.inbox.room = NOT_LAID
        return 0

    cdef int make_own(self, size_t count) except -1:
        """Bytes objects that nobody else has for the first *count* slots."""
        cdef PyObject *before
        cdef size_t i
        cdef size_t room = self.inbox.room
        for i in range(count):
            before = self.own[i]
            if before != NULL and reuse_bytes(before):
                continue
            self.own[i] = NULL
            Py_XDECREF(before)
            self.own[i] = new_bytes(NULL, <Py_ssize_t>room)
            ps_inbox_place(&self.inbox, i, bytes_data(self.own[i]), room)
        return 0

    cdef object take_own(self, size_t i, size_t length):
        """The first *length* bytes of slot i: itself, or a copy where it would be mostly empty."""
        cdef PyObject *taken = self.own[i]
        if length == self.inbox.room:
            return <object>taken
        if length * 2 < self.inbox.room:
            return PyBytes_FromStringAndSize(bytes_data(taken), <Py_ssize_t>length)
        self.own[i] = NULL
        resize_bytes(&taken, <Py_ssize_t>length)
        data = <object>taken
        Py_DECREF(data)
        return data

    cdef size_t lay(self, size_t room, int family) except 0:
        """Give each slot *room* bytes: how many slots may be used."""
        cdef size_t slots = min(<size_t>PS_BATCH, max(<size_t>1, STAGED // max(room, <size_t>1)))
        if slots * room > self.size or self.arena == NULL:
            PyMem_Free(self.arena)
            self.size = max(slots * room, <size_t>STAGED)
            self.arena = <char *>PyMem_Malloc(self.size + PS_LINE)
            if self.arena == NULL:
                self.size = 0
                raise MemoryError()
            self.inbox.room = NOT_LAID
        self.inbox.family = family
        if self.inbox.room != room or self.inbox.slots != slots:
            self.disown()
            self.inbox.slots = slots
            if ps_inbox_lay(&self.inbox, ps_aligned(self.arena), self.size, room) < 0:
                raise MemoryError()
        return slots


cdef shared_pointer spare = NULL  # a Staging, taken while in use, so that no two threads share it
cdef shared_size came_last = 0  # bytes: whether the next one is worth releasing the GIL for


cdef Staging acquire_spare():
    cdef PyObject *taken = <PyObject *>pop_spare(&spare)
    if taken == NULL:
        return Staging()
    staging = <Staging>taken
    Py_DECREF(staging)
    return staging


cdef void release_spare(Staging taken) noexcept:
    Py_INCREF(taken)  # the place's, and first: whoever takes it there may be done with it before
    if taken.size > STAGED or not push_spare(&spare, <PyObject *>taken):
        Py_DECREF(taken)


cdef ssize_t receive_more(socket sock, ps_io *io) except -1:
    """What else is there, without waiting: the number of messages; an error is the next call's."""
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


cdef list unpack_alone(Staging staging, size_t most, bint own):
    """What came, none of it with control data: a datagram each, with at most *most* bytes."""
    cdef size_t i, length
    cdef size_t came = staging.inbox.came
    cdef size_t room = staging.inbox.room
    cdef const ps_mmsghdr *header = staging.inbox.headers
    cdef const ps_sockaddr *name = staging.inbox.names
    cdef tuple pair
    cdef list out = PyList_New(<Py_ssize_t>came)
    PyObject_GC_UnTrack(<PyObject *>out)  # nobody shall find it until it is filled
    for i in range(came):
        length = min(header.msg_len, room)
        if own:
            data = staging.take_own(i, length)
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


cdef list unpack_told(socket sock, Staging staging, size_t most, bint joins, bint own):
    """What came, some of it with control data: joined datagrams by themselves again."""
    cdef ps_arrival arrival
    cdef size_t i = 0
    cdef size_t at, length
    cdef list out = []
    while ps_inbox_arrival(&staging.inbox, i, &arrival) == 0:
        i += 1
        if joins and arrival.control_truncated and arrival.datagrams == 1:
            # No kernel's control data is that long. Better an error than many handed out as one.
            defer_error(sock, OSError(ENOBUFS, "control data was cut: joined datagrams are lost"))
            continue
        address = unpack_address(arrival.name, arrival.namelen)
        if own and arrival.datagrams == 1:
            data = staging.take_own(i - 1, arrival.len)
            out.append((data, address))
            continue
        if arrival.datagrams == 1:
            out.append((PyBytes_FromStringAndSize(
                arrival.data, <Py_ssize_t>min(arrival.len, most)), address))
            continue
        at = 0
        while at < arrival.len:
            length = min(arrival.segment, arrival.len - at)
            out.append((PyBytes_FromStringAndSize(
                arrival.data + at, <Py_ssize_t>min(length, most)), address))
            at += length
    return out


cdef list unpack(socket sock, Staging staging, size_t most, bint joins, bint own):
    """A list of (bytes, address): the datagrams that came, each with at most *most* bytes."""
    if joins or staging.inbox.told > 0:
        return unpack_told(sock, staging, most, joins, own)
    return unpack_alone(staging, most, own)


def recvmmsg(socket self not None, Py_ssize_t max_messages, Py_ssize_t bufsize, flags=0):
    """recvmmsg(max_messages, bufsize[, flags]) -> list of (bytes, address)

    Wait for a datagram, as the socket's timeout says, and take what else has arrived
    (`recvmmsg(2)`): at most *max_messages*, of at most *bufsize* bytes each, the rest of a longer
    one being lost as in `recvfrom`. After `set_gro` the kernel joins datagrams: *max_messages*
    counts what it hands over, and the list, where each is by itself again, can be longer.

    An error after the first datagram is raised by the next batch call. Raises TimeoutError,
    BlockingIOError, OSError; ValueError for a *max_messages* below 1 or a negative *bufsize*.
    """
    global came_last
    cdef ps_io io
    cdef Staging staging
    cdef int64_t deadline = 0
    cdef size_t room, slots, came
    cdef size_t left
    cdef bint joins, own
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
    if self.sock_family != AF_UNIX and (joins or room > PS_UDP_MOST):
        room = PS_UDP_MOST
    own = not joins and OWN_LEAST <= room <= OWN_MOST
    left = 1 if io.flags & MSG_PEEK else <size_t>max_messages  # a second look shows the same one
    staging = acquire_spare()
    try:
        slots = staging.lay(room, self.sock_family)
        io.buf = &staging.inbox
        io.len = 0
        io.likely = came_last
        staging.inbox.wanted = min(left, slots)
        if own:
            staging.make_own(staging.inbox.wanted)
        came = <size_t>transfer(self, ps_recv_batch, &io, POLLIN, &deadline)
        if io.flags & MSG_ERRQUEUE and sends_by_cookie:
            apply_notices(self, &staging.inbox)
        came_last = io.likely = staging.inbox.bytes
        out = unpack(self, staging, <size_t>bufsize, joins, own)
        left -= came
        while left > 0 and came == staging.inbox.wanted:
            staging.inbox.wanted = min(left, slots)
            if own:
                staging.make_own(staging.inbox.wanted)
            came = <size_t>receive_more(self, &io)
            if came == 0:
                break
            if io.flags & MSG_ERRQUEUE and sends_by_cookie:
                apply_notices(self, &staging.inbox)
            came_last = io.likely = staging.inbox.bytes
            out.extend(unpack(self, staging, <size_t>bufsize, joins, own))
            left -= came
        return out
    finally:
        release_spare(staging)
