"""Many datagrams by few system calls: sendmmsg, send_segmented.

Each public function is a method: _accelerated.py lists it in `socket`. Runs of datagrams of one size
to one peer go as one message each, which the kernel cuts (GSO): csrc/ps_outbox.c. What is not known
completely here goes, before anything is sent, to the loops over the standard library.
"""

from ..core cimport traceback
from ..._shared import loops

from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uintptr_t

from .outgoing cimport Outgoing
from ..core.arguments cimport as_int
from ..core.socket_object cimport audit_address, socket
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_batch cimport PS_BATCH_SEND_FLAGS, ps_piece
from ..sys.ps_socket cimport SOCK_DGRAM


cdef extern from "Python.h":
    bint PyTuple_Check(object value)


cdef enum:
    RECENT = 64  # a power of two: peers whose packed form is found by the tuple's place in memory


cdef struct packed_address:
    PyObject *address  # alive for as long as the snapshot of the messages
    const ps_sockaddr *name
    int length


cdef bint is_known(socket sock, int flags) noexcept:
    return (sock.sock_type == SOCK_DGRAM and ps_addr_family_known(sock.sock_family)
            and not flags & ~PS_BATCH_SEND_FLAGS)


cdef bint gather(socket sock, Outgoing out, tuple messages, object address) except -1:
    """Put *messages* into *out*, and tell the audit hooks; False for an address of another form."""
    cdef packed_address[RECENT] recent
    cdef packed_address *place
    cdef packed_address common
    cdef ps_piece *piece
    cdef Py_ssize_t i
    cdef object item, peer
    cdef bint nameless = False
    cdef set peers = None
    common.name = NULL
    common.length = 0
    for i in range(RECENT):
        recent[i].address = NULL
    if address is not None:
        common.name = out.add_name(sock, address, &common.length)
        if common.name == NULL:
            return False
    for i in range(PyTuple_GET_SIZE(messages)):
        item = <object>PyTuple_GET_ITEM(messages, i)
        if not PyTuple_Check(item):
            piece = out.add(item)
            piece.name = common.name
            piece.namelen = <socklen_t>common.length
            nameless = True
            continue
        if PyTuple_GET_SIZE(item) != 2:
            raise TypeError("a message must be a bytes-like object or a pair (buffer, address)")
        peer = <object>PyTuple_GET_ITEM(item, 1)
        piece = out.add(<object>PyTuple_GET_ITEM(item, 0))
        place = &recent[(<uintptr_t><PyObject *>peer >> 4) & (RECENT - 1)]
        if place.address != <PyObject *>peer:
            if peer is None:
                place.name = NULL
                place.length = 0
            else:
                place.name = out.add_name(sock, peer, &place.length)
                if place.name == NULL:
                    return False
            place.address = <PyObject *>peer
            if peers is None:
                peers = set()
            peers.add(peer)  # of plain types now: their hash and equality run no Python code
        piece.name = place.name
        piece.namelen = <socklen_t>place.length
    if nameless:
        audit_address("socket.sendmsg", sock, address)
    if peers is not None:
        out.several_peers = True
        for peer in peers:
            audit_address("socket.sendmsg", sock, peer)
    return True


def sendmmsg(socket self not None, messages, address=None, flags=0):
    """sendmmsg(messages[, address[, flags]]) -> number of datagrams sent

    Send many datagrams, in order (`sendmmsg(2)`). *messages* is an iterable of bytes-like objects,
    for the peer of a connected socket or for *address*, and of pairs (bytes-like object, address).
    Datagrams of one size that follow each other to one peer are handed to the kernel together
    (UDP_SEGMENT, up to 64), none copied.

    Waits as the socket's timeout says for all to be queued. Returns early when the timeout is over
    or the socket is non-blocking and full; an error at a later datagram than the first is raised by
    the next batch call on the socket. Raises TimeoutError, BlockingIOError, OSError when nothing
    was sent. Audit event `socket.sendmsg`, once for each address.
    """
    cdef Outgoing out
    cdef int c_flags = as_int(flags)
    cdef tuple items = tuple(messages)  # iterated once, here, and changed by nobody
    if is_known(self, c_flags):
        out = Outgoing()
        out.make_room(len(items))
        if gather(self, out, items, address):
            return out.send(self, c_flags, False)
    return loops.datagrams.sendmmsg(self, items, address, c_flags)


def send_segmented(socket self not None, buffer, Py_ssize_t segment_size, address=None, flags=0):
    """send_segmented(buffer, segment_size[, address[, flags]]) -> number of bytes sent

    Send *buffer* as datagrams of *segment_size* bytes each (1 to 65535), the last one of what is
    left: of the socket's peer, or of *address*. An empty buffer is no datagram. The kernel cuts where
    it can (UDP_SEGMENT).

    Waits, returns early and raises as `sendmmsg` does; the number is always that of whole
    datagrams. ValueError for another *segment_size*. Audit event `socket.sendmsg`.
    """
    cdef Outgoing out
    cdef ps_piece *piece
    cdef int c_flags = as_int(flags)
    cdef int length = 0
    cdef const ps_sockaddr *name = NULL
    if not 1 <= segment_size <= 65535:
        raise ValueError("segment_size must be 1 to 65535")
    if not is_known(self, c_flags):
        return loops.datagrams.send_segmented(self, buffer, segment_size, address, c_flags)
    out = Outgoing()
    out.make_room(1)
    if address is not None:
        name = out.add_name(self, address, &length)
        if name == NULL:
            return loops.datagrams.send_segmented(self, buffer, segment_size, address, c_flags)
    piece = out.add(buffer)
    piece.segment = <size_t>segment_size
    piece.name = name
    piece.namelen = <socklen_t>length
    audit_address("socket.sendmsg", self, address)
    if piece.len == 0:
        out.count = 0
    return out.send(self, c_flags, True)
