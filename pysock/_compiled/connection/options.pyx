"""Options and attributes of a socket: getsockopt, setsockopt, family, type.

Each public function is a method: _compiled/socket.py lists it in `socket`.
"""

import socket as _stdlib

from types import FunctionType

from ..._shared import original

cimport cython

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)

from ..core.arguments cimport fits_int
from ..core.gil_policy cimport set_low_water
from ..core.errors cimport raise_errno
from ..core.function_code cimport has_code
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
from ..sys.ps_addr cimport ps_addr_family_known, socklen_t
from ..sys.ps_socket cimport SO_RCVLOWAT, SOL_SOCKET, ps_getsockopt, ps_setsockopt


cdef object base = original.socket
cdef dict standard_names = vars(_stdlib)
cdef object base_family = original.socket.family.fget
cdef object base_type = original.socket.type.fget

# What makes an enum member of a number, and the classes. The standard library's functions look them up
# each time. The package has a copy of the function, with the same code.
cdef object converter = standard_names.get("_intenum_converter")
cdef object converter_code = (  # None if other code had replaced it before this package was imported
    converter.__code__
    if isinstance(converter, FunctionType) and converter.__globals__ is standard_names else None)
cdef object AddressFamily = _stdlib.AddressFamily
cdef object SocketKind = _stdlib.SocketKind

cdef enum:
    MAX_OPTION = 1024  # the longest option value that the standard library reads
    CACHED = 64         # the enum members of numbers below this are looked up once

cdef list families = [None] * CACHED  # by number: the AddressFamily, or None before it is looked up
cdef list types = [None] * CACHED     # by number: the SocketKind


cdef bint are_members_known(dict names, bint of_family, bint of_type) except -1:
    """Whether nobody has replaced in *names* what makes an AddressFamily, a SocketKind or both."""
    return (
        has_code(dict_get(names, "_intenum_converter"), converter_code)
        and (not of_family or dict_get(names, "AddressFamily") is AddressFamily)
        and (not of_type or dict_get(names, "SocketKind") is SocketKind))


@cython.binding(False)
def family(self, /):
    """The property `socket.family`, which _compiled/socket.py documents."""
    cdef int number = (<socket>self).sock_family if isinstance(self, socket) else -1
    if not (0 <= number < CACHED and are_members_known(standard_names, True, False)):
        return base_family(self)
    value = families[number]
    if value is None:
        value = families[number] = base_family(self)
    return value


@cython.binding(False)
def type(self, /):
    """The property `socket.type`, which _compiled/socket.py documents."""
    cdef int number = (<socket>self).sock_type if isinstance(self, socket) else -1
    if not (0 <= number < CACHED and are_members_known(standard_names, False, True)):
        return base_type(self)
    value = types[number]
    if value is None:
        value = types[number] = base_type(self)
    return value


cdef int read_low_water(socket sock) except -1:
    """Tell the GIL policy whether SO_RCVLOWAT is set: then no receive is tried with MSG_DONTWAIT."""
    cdef int low_water = 1
    cdef socklen_t length = sizeof(low_water)
    ps_getsockopt(sock.sock_fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, &length)
    set_low_water(sock.sock_fd, low_water > 1)
    return 0


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def getsockopt(self, level, optname, buflen=0, /):
        """getsockopt(level, optname[, buflen]) -> int or bytes

        The value of an option (`getsockopt(2)`, `socket(7)`, `tcp(7)`, `ip(7)` ...). It is an int; with
        *buflen* (1 to 1024) it is at most so many bytes, as the kernel returns them. Raises OSError.
        """
        cdef int c_level, c_name, size, n
        cdef int value = 0
        cdef socklen_t length
        cdef bytes data
        if not (ps_addr_family_known(self.sock_family) and fits_int(level, &c_level)
                and fits_int(optname, &c_name) and fits_int(buflen, &size)
                and 0 <= size <= MAX_OPTION):
            return base.getsockopt(self, level, optname, buflen)
        if size == 0:
            length = sizeof(value)
            n = ps_getsockopt(self.sock_fd, c_level, c_name, &value, &length)
            if n < 0:
                raise_errno(n)
            return value
        data = PyBytes_FromStringAndSize(NULL, size)
        length = <socklen_t>size
        n = ps_getsockopt(self.sock_fd, c_level, c_name, PyBytes_AS_STRING(data), &length)
        if n < 0:
            raise_errno(n)
        return data if length == <socklen_t>size else data[:<Py_ssize_t>length]

    def setsockopt(self, level, optname, value, /):
        """setsockopt(level, optname, value)
        setsockopt(level, optname, None, optlen)

        Set an option (`setsockopt(2)`, `socket(7)`, `tcp(7)`, `ip(7)` ...). *value* is an int, which the
        kernel gets as a C int, or a bytes-like object, of which it gets the bytes. None with *optlen* is a
        null pointer with this length. Raises OSError, and OverflowError for an int that is too large for a
        C int.
        """
        cdef int c_level, c_name, c_value, n
        if not (ps_addr_family_known(self.sock_family)
                and fits_int(level, &c_level) and fits_int(optname, &c_name)):
            return base.setsockopt(self, level, optname, value)
        if fits_int(value, &c_value):
            n = ps_setsockopt(self.sock_fd, c_level, c_name, &c_value, sizeof(c_value))
        elif PyBytes_CheckExact(value):
            n = ps_setsockopt(self.sock_fd, c_level, c_name, PyBytes_AS_STRING(value),
                              <socklen_t>PyBytes_GET_SIZE(value))
        else:
            return base.setsockopt(self, level, optname, value)
        if n < 0:
            raise_errno(n)
        if c_level == SOL_SOCKET and c_name == SO_RCVLOWAT:
            read_low_water(self)
