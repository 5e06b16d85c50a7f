# cython: binding=False
"""Numeric addresses and byte order, by the C library, without resolver, codec or enum lookup.

These are functions of the module, not methods. Each handles the common case. For any other argument (a
name, another type, a value out of range) it calls the standard library's function of the same name with
the same arguments.
"""

import _socket

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport strlen

from ..core cimport traceback
from ..._shared import original
from ..._shared.rebind import rebind

from ..core.arguments cimport exact_number, exact_text
from ..core.socket_class cimport namespace, replaced_names
from ..core.socket_object cimport audit_getaddrinfo, audit_gethostbyname
from ..core.threads cimport dict_get
from .options cimport are_members_known, standard_names
from ..sys.ps_addr cimport (
    AF_INET, AF_INET6, PS_HOST_TEXT, in_addr, inet_aton as c_inet_aton, inet_ntop as c_inet_ntop,
    inet_pton as c_inet_pton, ntohl as c_ntohl, ntohs as c_ntohs, ps_addr_dotted_quad,
    AI_NUMERICHOST, AI_NUMERICSERV, AI_PASSIVE,
)


cdef dict c_names = vars(_socket)
cdef object c_getaddrinfo = _socket.getaddrinfo
cdef object base_inet_aton = _socket.inet_aton
cdef object base_inet_ntoa = _socket.inet_ntoa
cdef object base_inet_pton = _socket.inet_pton
cdef object base_inet_ntop = _socket.inet_ntop
cdef object base_htons = _socket.htons
cdef object base_ntohs = _socket.ntohs
cdef object base_htonl = _socket.htonl
cdef object base_ntohl = _socket.ntohl
cdef object base_gethostbyname = _socket.gethostbyname
cdef object base_getaddrinfo = original.getaddrinfo
# After install() it looks up names in `socket`, otherwise in this package.
cdef object rebound_getaddrinfo = (
    rebind(base_getaddrinfo) if original.is_unpatched("getaddrinfo") else base_getaddrinfo)


def inet_aton(text, /):
    """inet_aton(text) -> bytes

    The four bytes of an IPv4 address, in any of the forms of `inet_aton(3)`. Raises OSError.
    """
    cdef in_addr packed
    cdef const char *host = exact_text(text) if PyUnicode_CheckExact(text) else NULL
    if host == NULL or not c_inet_aton(host, &packed):
        return base_inet_aton(text)
    return PyBytes_FromStringAndSize(<const char *>&packed, 4)


def inet_ntoa(packed, /):
    """inet_ntoa(packed) -> str

    The text of an IPv4 address of four bytes (`inet_ntoa(3)`). Raises OSError for another length.
    """
    cdef char[PS_HOST_TEXT] text
    cdef size_t length
    if not (PyBytes_CheckExact(packed) and PyBytes_GET_SIZE(packed) == 4):
        return base_inet_ntoa(packed)
    length = ps_addr_dotted_quad(<const uint8_t *>PyBytes_AS_STRING(packed), text)
    return PyUnicode_DecodeASCII(text, <Py_ssize_t>length, NULL)


def inet_pton(family, text, /):
    """inet_pton(family, text) -> bytes

    The packed form of a numeric address of AF_INET or AF_INET6 (`inet_pton(3)`): 4 or 16 bytes. Raises
    OSError.
    """
    cdef char[16] packed
    cdef const char *host = exact_text(text) if PyUnicode_CheckExact(text) else NULL
    cdef long number = family if isinstance(family, int) else -1
    if host == NULL or (number != AF_INET and number != AF_INET6) or c_inet_pton(
            <int>number, host, packed) != 1:
        return base_inet_pton(family, text)
    return PyBytes_FromStringAndSize(packed, 4 if number == AF_INET else 16)


def inet_ntop(family, packed, /):
    """inet_ntop(family, packed) -> str

    The text of a packed address of AF_INET (4 bytes) or AF_INET6 (16 bytes) (`inet_ntop(3)`). Raises
    ValueError for another length or family.
    """
    cdef char[PS_HOST_TEXT] text
    cdef size_t length
    cdef long number = family if isinstance(family, int) else -1
    if not PyBytes_CheckExact(packed):
        return base_inet_ntop(family, packed)
    if number == AF_INET and PyBytes_GET_SIZE(packed) == 4:
        length = ps_addr_dotted_quad(<const uint8_t *>PyBytes_AS_STRING(packed), text)
    elif number == AF_INET6 and PyBytes_GET_SIZE(packed) == 16:
        c_inet_ntop(AF_INET6, PyBytes_AS_STRING(packed), text, PS_HOST_TEXT)
        length = strlen(text)
    else:
        return base_inet_ntop(family, packed)
    return PyUnicode_DecodeASCII(text, <Py_ssize_t>length, NULL)


def htons(number, /):
    """htons(number) -> int

    A 16-bit number from host to network byte order. Raises OverflowError beyond 16 bits.
    """
    cdef int64_t value = exact_number(number, 0xFFFF)
    return base_htons(number) if value < 0 else c_ntohs(<uint16_t>value)


def ntohs(number, /):
    """ntohs(number) -> int

    A 16-bit number from network to host byte order. Raises OverflowError beyond 16 bits.
    """
    cdef int64_t value = exact_number(number, 0xFFFF)
    return base_ntohs(number) if value < 0 else c_ntohs(<uint16_t>value)


def htonl(number, /):
    """htonl(number) -> int

    A 32-bit number from host to network byte order. Raises OverflowError beyond 32 bits.
    """
    cdef int64_t value = exact_number(number, 0xFFFFFFFF)
    return base_htonl(number) if value < 0 else c_ntohl(<uint32_t>value)


def ntohl(number, /):
    """ntohl(number) -> int

    A 32-bit number from network to host byte order. Raises OverflowError beyond 32 bits.
    """
    cdef int64_t value = exact_number(number, 0xFFFFFFFF)
    return base_ntohl(number) if value < 0 else c_ntohl(<uint32_t>value)


def gethostbyname(host, /):
    """gethostbyname(host) -> str

    The IPv4 address of a host, as text. The result for an IPv4 address is the same text. Raises
    gaierror. Audit event `socket.gethostbyname`.
    """
    cdef in_addr packed
    cdef const char *text = exact_text(host) if PyUnicode_CheckExact(host) else NULL
    if text == NULL or c_inet_pton(AF_INET, text, &packed) != 1:
        return base_gethostbyname(host)
    audit_gethostbyname(host)
    return host


# The result of getaddrinfo(3) for a numeric host depends only on the hints, the family of the host and
# whether there is a port, apart from the address. So the C library is asked once for each combination:
# {key: [(family, type, proto)]}. The results for names are not cached, because they can change.
cdef dict numeric_results = {}

cdef enum:
    MAX_RESULTS = 256
    CACHED_FLAGS = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV  # others depend on the configuration


cdef object numeric_address(object host, int64_t port, int *family):
    """The address tuple of a numeric host; also set its family. None for any other host."""
    cdef char[16] packed
    cdef char[PS_HOST_TEXT] text
    cdef const char *characters = exact_text(host)
    cdef size_t length
    if characters == NULL:
        return None
    if c_inet_pton(AF_INET, characters, packed) == 1:
        family[0] = AF_INET
        length = ps_addr_dotted_quad(<const uint8_t *>packed, text)
        return (PyUnicode_DecodeASCII(text, <Py_ssize_t>length, NULL), port)
    if c_inet_pton(AF_INET6, characters, packed) == 1:
        family[0] = AF_INET6
        c_inet_ntop(AF_INET6, packed, text, PS_HOST_TEXT)
        length = strlen(text)
        return (PyUnicode_DecodeASCII(text, <Py_ssize_t>length, NULL), port, 0, 0)
    return None


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """`getaddrinfo`, which _compiled/socket.py documents."""
    cdef int64_t c_port = 0 if port is None else exact_number(port, 0xFFFF)
    cdef int64_t c_key  # it has more bits than a C long may have
    cdef int host_family = 0
    cdef long c_family, c_type, c_proto, c_flags
    standard = base_getaddrinfo if replaced_names else rebound_getaddrinfo
    names = standard_names if replaced_names else namespace
    address = None
    # The standard library's function looks up that of `_socket` when it is called.
    if (c_port >= 0 and dict_get(c_names, "getaddrinfo") is c_getaddrinfo
            and are_members_known(names, True, True)
            and isinstance(family, int) and isinstance(type, int)
            and isinstance(proto, int) and isinstance(flags, int)):
        c_family, c_type, c_proto, c_flags = family, type, proto, flags
        if (0 <= c_family < 256 and 0 <= c_type < 256 and 0 <= c_proto < 65536
                and not c_flags & ~CACHED_FLAGS):
            address = numeric_address(host, c_port, &host_family)
    if address is None:
        return standard(host, port, family, type, proto, flags)
    c_key = (((<int64_t>c_flags << 8 | c_family) << 8 | c_type) << 16 | c_proto) << 2
    c_key |= (host_family == AF_INET6) << 1 | (port is None)
    key = c_key
    result = dict_get(numeric_results, key)
    if result is None:
        result = standard(host, port, family, type, proto, flags)
        return cache_result(key, address, result)
    audit_getaddrinfo(host, port, <int>c_family, <int>c_type, <int>c_proto)
    return [(entry[0], entry[1], entry[2], "", address) for entry in <list>result]


cdef list cache_result(object key, tuple address, list result):
    """Cache *result* if each of its entries has *address* and no canonical name; return it."""
    for entry in result:
        if entry[3] != "" or entry[4] != address:
            return result
    if len(numeric_results) < MAX_RESULTS:
        numeric_results[key] = [entry[:3] for entry in result]
    return result
