"""Conversion of addresses from and to struct sockaddr, for AF_INET, AF_INET6 and AF_UNIX.

`pack_address` accepts numeric hosts as text, ports as exact ints, and paths as str or bytes: forms
that need no resolver and have one meaning only. For any other form it returns 0, and the caller passes
the address to the standard library, through `standard_address`.
"""

from ..._shared import address as forms

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from . cimport traceback
from .arguments cimport exact_number, exact_text
from .threads cimport lock_mutex, mutex, unlock_mutex
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
    cdef int64_t port
    cdef int64_t flowinfo = 0
    cdef int64_t scope_id = 0
    cdef int length
    if not PyTuple_CheckExact(address):
        return 0
    items = PyTuple_GET_SIZE(address)
    if items != 2 and (family == AF_INET or items < 2 or items > 4):
        return 0
    host = exact_text(<object>PyTuple_GET_ITEM(address, 0))
    port = exact_number(<object>PyTuple_GET_ITEM(address, 1), 65535)
    if host == NULL or port < 0:
        return 0
    if family == AF_INET:
        length = ps_addr_pack_inet(out, host, <unsigned short>port)
    else:
        if items > 2:
            flowinfo = exact_number(<object>PyTuple_GET_ITEM(address, 2), 0xFFFFF)
        if items > 3:
            scope_id = exact_number(<object>PyTuple_GET_ITEM(address, 3), 0xFFFFFFFF)
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
    """Pack *address* and return its length, or 0 for another family or another form."""
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


# A set-associative cache of the tuples of AF_INET peers, by address and port. The address of a peer
# that sends again is not formatted again. An entry depends on its key only, so it is never out of date.
cdef enum:
    SETS = 128  # a power of two
    WAYS = 4    # entries of a set: they are in one or two lines of the processor's cache

cdef struct cached_peer:
    uint64_t key
    PyObject *peer  # a reference to a tuple, or NULL

cdef cached_peer[SETS * WAYS] peer_cache
cdef unsigned char[SETS] last_replaced  # by set: the entry that was replaced last
cdef mutex[SETS] mutexes                # by set: protects its entries and its last_replaced


cdef object unpack_inet4(const ps_sockaddr *addr):
    cdef uint64_t key = <uint64_t>addr.in_.sin_addr.s_addr << 16 | addr.in_.sin_port
    cdef uint64_t set_index = (key * 0x9E3779B97F4A7C15U) >> 57
    cdef cached_peer *entry = &peer_cache[set_index * WAYS]
    cdef PyObject *replaced
    cdef int i
    lock_mutex(&mutexes[set_index])
    for i in range(WAYS):
        if entry[i].key == key and entry[i].peer != NULL:
            peer = <object>entry[i].peer
            unlock_mutex(&mutexes[set_index])
            return peer
    unlock_mutex(&mutexes[set_index])
    # Making the tuple may run the garbage collector, and a finalizer may call this function. So the
    # entry is chosen afterwards.
    peer = unpack_inet(addr)
    lock_mutex(&mutexes[set_index])
    for i in range(WAYS):
        if entry[i].peer == NULL:
            entry += i
            break
    else:
        # The entries are replaced in turn. If the least recently used one were replaced, five peers
        # of one set that send in turn would always miss.
        last_replaced[set_index] = <unsigned char>((last_replaced[set_index] + 1) % WAYS)
        entry += last_replaced[set_index]
    replaced = entry.peer
    Py_INCREF(peer)
    entry.peer = <PyObject *>peer
    entry.key = key
    unlock_mutex(&mutexes[set_index])
    Py_XDECREF(replaced)
    return peer


cdef enum:
    SA_HEADER = 2  # bytes of struct sockaddr before sa_data
    SA_DATA = 14   # bytes of its sa_data


cdef object unpack_unix(const ps_sockaddr *addr, socklen_t length):
    cdef const char *path
    cdef size_t size = ps_addr_path(addr, length, &path)
    if size > 0 and path[0] == 0:
        return PyBytes_FromStringAndSize(path, <Py_ssize_t>size)
    return PyUnicode_DecodeFSDefaultAndSize(path, <Py_ssize_t>size)


cdef object unpack_unknown(const ps_sockaddr *addr, socklen_t length):
    """An address of any other family, in the form (family, sa_data) of the standard library.

    The kernel may have written less than a whole struct sockaddr. The rest of the bytes are 0.
    """
    cdef char[SA_DATA] data
    cdef size_t written = length - SA_HEADER if length > SA_HEADER else 0
    memset(data, 0, SA_DATA)
    memcpy(data, addr.sa.sa_data, min(written, <size_t>SA_DATA))
    return (addr.sa.sa_family, PyBytes_FromStringAndSize(data, SA_DATA))


cdef object standard_address(object sock, object address):
    """Convert *address* to a form that the standard library accepts: see _shared/address.py."""
    return forms.standard_address(sock, address)


cdef object unpack_address(const ps_sockaddr *addr, socklen_t length):
    """The Python form of an address from the kernel; None where the kernel returned none."""
    if length == 0:
        return None
    if addr.sa.sa_family == AF_INET:
        return unpack_inet4(addr)
    if addr.sa.sa_family == AF_INET6:
        return unpack_inet(addr)
    if addr.sa.sa_family == AF_UNIX:
        return unpack_unix(addr, length)
    return unpack_unknown(addr, length)
