"""Sockets whose system calls a transport may make itself, instead of calling their methods.

These are the sockets of this package and of the standard library. A socket of another class, a mock for
example, has methods of its own. So has one whose class somebody has patched, and the profile does.
"""

import asyncio.trsock

from ..._shared import original

cimport cython

from ..connection.lifecycle cimport close_usual
from ..core cimport traceback
from ..core.socket_object cimport socket
from .original_methods cimport OriginalMethods

cdef tuple NAMES = (
    "__init__", "_real_close", "accept", "close", "fileno", "getpeername", "getsockname", "recv",
    "recv_into", "recvfrom", "send", "sendmsg", "sendto", "setblocking", "setsockopt",
)
cdef object original_socket = original.socket
cdef OriginalMethods standard = OriginalMethods(original_socket, NAMES)
cdef OriginalMethods own = None
cdef object own_socket = None


def register_class(cls, /):
    """Make *cls* the class of the package's sockets."""
    global own, own_socket
    own, own_socket = OriginalMethods(cls, NAMES), cls


cdef bint is_original_class(object cls) except -1:
    """Whether *cls* is the package's class or the standard library's, with its methods as they were."""
    if cls is original_socket:
        return standard.are_those_of(cls)
    return cls is own_socket and own.are_those_of(cls)


cdef bint has_original(object sock) except -1:
    """Whether *sock* has its methods as they were."""
    return is_original_class(type(sock))


cdef bint is_of_known_class(object sock) except -1:
    """Whether *sock* is of the package's own class or of the standard library's, and of no subclass."""
    return type(sock) is original_socket or type(sock) is own_socket


cdef int close_socket(object sock) except -1:
    """`sock.close()`."""
    if type(sock) is original_socket and has_original(sock):
        close_usual(<socket>sock)
    else:
        sock.close()
    return 0
