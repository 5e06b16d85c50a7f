"""Many datagrams by few system calls: sendmmsg, send_segmented.

Each public function is a method: _compiled/socket.py lists it in `socket`. csrc/ps_outbox.c sends
consecutive datagrams of one size to one peer as one message, which the kernel cuts (GSO). Other sockets
and other forms of addresses are handled by the loops of _shared/loops/, before any datagram is sent.
"""

from ..core cimport traceback
from ..._shared import loops

from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uintptr_t

from .outgoing cimport Outgoing
from ..core.arguments cimport as_int
from ..core.socket_object cimport audit_address, socket
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_batch cimport PS_BATCH_SEND_FLAGS, ps_piece
from ..sys.ps_socket cimport SOCK_DGRAM


cdef enum:
    CACHED_ADDRESSES = 64  # a power of two


cdef struct packed_address:
    PyObject *address  # a borrowed reference: the tuple of messages has one
    const ps_sockaddr *name
    int length


cdef bint is_supported(socket sock, int flags) noexcept:
    """Whether csrc can send batches on *sock* with *flags*."""
    return (sock.sock_type == SOCK_DGRAM and ps_addr_family_known(sock.sock_family)
            and not flags & ~PS_BATCH_SEND_FLAGS)


cdef bint add_messages(socket sock, Outgoing out, tuple messages, object address) except -1:
    """Add *messages* to *out*, and raise the audit events; False for another form of an address.

    The same address object mostly occurs many times. So the packed forms are cached, by the place of
    the object in memory.
    """
    cdef packed_address[CACHED_ADDRESSES] cache
    cdef packed_address *packed
    cdef packed_address common
    cdef ps_piece *piece
    cdef Py_ssize_t i
    cdef object item, peer
    cdef bint uses_common = False
    cdef set peers = None
    common.name = NULL
    common.length = 0
    for i in range(CACHED_ADDRESSES):
        cache[i].address = NULL
    if address is not None:
        common.name = out.add_name(sock, address, &common.length)
        if common.name == NULL:
            return False
    for i in range(PyTuple_GET_SIZE(messages)):
        item = <object>PyTuple_GET_ITEM(messages, i)
        if not PyTuple_Check(item):
            piece = out.add_buffer(item)
            piece.name = common.name
            piece.namelen = <socklen_t>common.length
            uses_common = True
            continue
        if PyTuple_GET_SIZE(item) != 2:
            raise TypeError("a message must be a bytes-like object or a pair (buffer, address)")
        peer = <object>PyTuple_GET_ITEM(item, 1)
        piece = out.add_buffer(<object>PyTuple_GET_ITEM(item, 0))
        packed = &cache[(<uintptr_t><PyObject *>peer >> 4) & (CACHED_ADDRESSES - 1)]
        if packed.address != <PyObject *>peer:
            if peer is None:
                packed.name = NULL
                packed.length = 0
            else:
                packed.name = out.add_name(sock, peer, &packed.length)
                if packed.name == NULL:
                    return False
            packed.address = <PyObject *>peer
            if peers is None:
                peers = set()
            # add_name has accepted it, so its types are exact: their hash and equality run no Python
            # code.
            peers.add(peer)
        piece.name = packed.name
        piece.namelen = <socklen_t>packed.length
    if uses_common:
        audit_address("socket.sendmsg", sock, address)
    if peers is not None:
        out.several_peers = True
        for peer in peers:
            audit_address("socket.sendmsg", sock, peer)
    return True


def sendmmsg(socket self not None, messages, address=None, flags=0):
    """sendmmsg(messages[, address[, flags]]) -> number of datagrams sent

    Send many datagrams, in order (`sendmmsg(2)`). *messages* is an iterable. Each item is a bytes-like
    object, which is sent to *address*, or without it to the peer of a connected socket; or it is a pair
    (bytes-like object, address). *flags* are MSG_* constants, or'ed together. Up to 64 consecutive
    datagrams of one size to one peer are passed to the kernel together (UDP_SEGMENT). None is copied.

    The call waits for as long as the socket's timeout until all datagrams are queued. It returns early
    after the timeout, where the send buffer of a non-blocking socket is full, and after an error: the
    next batch call on the socket raises that error. If no datagram was sent, the call itself raises
    TimeoutError, BlockingIOError or OSError. Audit event `socket.sendmsg`, once for each address.
    """
    cdef Outgoing out
    cdef int c_flags = as_int(flags)
    cdef tuple items = tuple(messages)  # iterated once; no other thread can change a tuple
    if is_supported(self, c_flags):
        out = Outgoing()
        out.allocate(len(items))
        if add_messages(self, out, items, address):
            return out.send(self, c_flags, False)
    return loops.datagrams.sendmmsg(self, items, address, c_flags)


def send_segmented(socket self not None, buffer, Py_ssize_t segment_size, address=None, flags=0):
    """send_segmented(buffer, segment_size[, address[, flags]]) -> number of bytes sent

    Send *buffer* as datagrams of *segment_size* bytes each (1 to 65535), and a shorter last one of the
    rest, to *address*, or without it to the socket's peer. *flags* are MSG_* constants, or'ed together.
    An empty buffer sends no datagram. The kernel cuts the buffer where it can (UDP_SEGMENT).

    The call waits, returns early and raises as `sendmmsg` does. The result counts the bytes of whole
    datagrams only. Raises ValueError for another *segment_size*. Audit event `socket.sendmsg`.
    """
    cdef Outgoing out
    cdef ps_piece *piece
    cdef int c_flags = as_int(flags)
    cdef int length = 0
    cdef const ps_sockaddr *name = NULL
    if not 1 <= segment_size <= 65535:
        raise ValueError("segment_size must be 1 to 65535")
    if not is_supported(self, c_flags):
        return loops.datagrams.send_segmented(self, buffer, segment_size, address, c_flags)
    out = Outgoing()
    out.allocate(1)
    if address is not None:
        name = out.add_name(self, address, &length)
        if name == NULL:
            return loops.datagrams.send_segmented(self, buffer, segment_size, address, c_flags)
    piece = out.add_buffer(buffer)
    piece.segment = <size_t>segment_size
    piece.name = name
    piece.namelen = <socklen_t>length
    audit_address("socket.sendmsg", self, address)
    if piece.len == 0:
        out.count = 0
    return out.send(self, c_flags, True)
