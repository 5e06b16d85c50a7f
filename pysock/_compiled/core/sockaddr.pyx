"""Python addresses <-> struct sockaddr, for AF_INET, AF_INET6 and AF_UNIX.

Only what needs neither a resolver nor a judgement is packed here: numeric hosts as text, ports as
plain int, paths as str or bytes. For anything else `pack_address` answers 0, and the caller hands
the address to the standard library, by way of address.standard_address().
"""

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeASCII
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset

from . cimport traceback
from .arguments cimport plain_number, plain_text
from .threads cimport acquire, lock, release
from ..sys.ps_addr cimport (
    AF_INET, AF_INET6, AF_UNIX, PS_HOST_TEXT, ntohl, ntohs, ps_addr_host, ps_addr_pack_inet,
    ps_addr_pack_inet6, ps_addr_pack_unix, ps_addr_path, ps_sockaddr, socklen_t,
)


cdef extern from "Python.h":
    object PyUnicode_EncodeFSDefault(object text)
    object PyUnicode_DecodeFSDefaultAndSize(const char *text, Py_ssize_t size)


cdef int pack_inet(int family, object address, ps_sockaddr *out) except -1:
    cdef Py_ssize_t items
    cdef const char *host
    cdef long port
    cdef long flowinfo = 0
    cdef long scope_id = 0
    cdef int length
    if not PyTuple_CheckExact(address):
        return 0
    items = PyTuple_GET_SIZE(address)
    if items != 2 and (family == AF_INET or items < 2 or items > 4):
        return 0
    host = plain_text(<object>PyTuple_GET_ITEM(address, 0))
    port = plain_number(<object>PyTuple_GET_ITEM(address, 1), 65535)
    if host == NULL or port < 0:
        return 0
    if family == AF_INET:
        length = ps_addr_pack_inet(out, host, <unsigned short>port)
    else:
        if items > 2:
            flowinfo = plain_number(<object>PyTuple_GET_ITEM(address, 2), 0xFFFFF)
        if items > 3:
            scope_id = plain_number(<object>PyTuple_GET_ITEM(address, 3), 0xFFFFFFFF)
        if flowinfo < 0 or scope_id < 0:
            return 0
        length = ps_addr_pack_inet6(out, host, <unsigned short>port, <uint32_t>flowinfo,
                                    <uint32_t>scope_id)
    return length if length > 0 else 0


cdef int pack_unix(object address, ps_sockaddr *out) except -1:
    cdef int length
    if PyUnicode_CheckExact(address):
        address = PyUnicode_EncodeFSDefault(address)
    elif not PyBytes_CheckExact(address):
        return 0
    length = ps_addr_pack_unix(out, PyBytes_AS_STRING(address), <size_t>PyBytes_GET_SIZE(address))
    return length if length > 0 else 0


cdef int pack_address(int family, object address, ps_sockaddr *out) except -1:
    """Pack *address*: its length, or 0 where it or *family* is not one of those above."""
    if family == AF_INET or family == AF_INET6:
        return pack_inet(family, address, out)
    if family == AF_UNIX:
        return pack_unix(address, out)
    return 0


cdef object unpack_inet(const ps_sockaddr *addr):
    cdef char text[PS_HOST_TEXT]
    cdef size_t length = ps_addr_host(addr, text)
    host = PyUnicode_DecodeASCII(text, <Py_ssize_t>length, NULL)
    if addr.sa.sa_family == AF_INET:
        return (host, ntohs(addr.in_.sin_port))
    return (host, ntohs(addr.in6.sin6_port), ntohl(addr.in6.sin6_flowinfo),
            addr.in6.sin6_scope_id)


# The tuples of the last AF_INET peers, by address and port: a peer that is heard again is not
# formatted again. It maps bits to text and so cannot go stale.
cdef enum:
    SETS = 128  # a power of two
    WAYS = 4    # places of a set: it lies in one or two lines of the processor's cache

cdef struct remembered_peer:
    uint64_t key
    PyObject *peer  # NULL, or a tuple that is held

cdef remembered_peer[SETS * WAYS] remembered
cdef unsigned char[SETS] displaced  # which place of a full set is the next to be given up
cdef lock[SETS] locks               # of a set, and what is displaced of it


cdef object unpack_inet4(const ps_sockaddr *addr):
    cdef uint64_t key = <uint64_t>addr.in_.sin_addr.s_addr << 16 | addr.in_.sin_port
    cdef uint64_t number = (key * 0x9E3779B97F4A7C15U) >> 57
    cdef remembered_peer *place = &remembered[number * WAYS]
    cdef PyObject *before
    cdef int i
    acquire(&locks[number])
    for i in range(WAYS):
        if place[i].key == key and place[i].peer != NULL:
            peer = <object>place[i].peer
            release(&locks[number])
            return peer
    release(&locks[number])
    peer = unpack_inet(addr)  # may collect garbage, and so come here: only now is a place chosen
    acquire(&locks[number])
    for i in range(WAYS):
        if place[i].peer == NULL:
            place += i
            break
    else:
        # In turn, not the oldest: five peers that come round and round would each miss then.
        displaced[number] = <unsigned char>((displaced[number] + 1) % WAYS)
        place += displaced[number]
    before = place.peer
    Py_INCREF(peer)
    place.peer = <PyObject *>peer
    place.key = key
    release(&locks[number])
    Py_XDECREF(before)
    return peer


cdef enum:
    SA_DATA = 14   # bytes of struct sockaddr, which is the least of them all,
    SA_HEADER = 2  # after its family


cdef object unpack_unix(const ps_sockaddr *addr, socklen_t length):
    cdef const char *path
    cdef size_t size = ps_addr_path(addr, length, &path)
    if size > 0 and path[0] == 0:
        return PyBytes_FromStringAndSize(path, <Py_ssize_t>size)
    return PyUnicode_DecodeFSDefaultAndSize(path, <Py_ssize_t>size)


cdef object unpack_unknown(const ps_sockaddr *addr, socklen_t length):
    """Another family on a socket of these: as the standard library shows one that it does not know.

    Only what the kernel wrote is read; what it did not is 0.
    """
    cdef char[SA_DATA] shown
    cdef size_t there = length - SA_HEADER if length > SA_HEADER else 0
    memset(shown, 0, SA_DATA)
    memcpy(shown, addr.sa.sa_data, min(there, <size_t>SA_DATA))
    return (addr.sa.sa_family, PyBytes_FromStringAndSize(shown, SA_DATA))


cdef object unpack_address(const ps_sockaddr *addr, socklen_t length):
    """The Python form of an address of the three families; None where the kernel gave none."""
    if length == 0:
        return None
    if addr.sa.sa_family == AF_INET:
        return unpack_inet4(addr)
    if addr.sa.sa_family == AF_INET6:
        return unpack_inet(addr)
    if addr.sa.sa_family == AF_UNIX:
        return unpack_unix(addr, length)
    return unpack_unknown(addr, length)
