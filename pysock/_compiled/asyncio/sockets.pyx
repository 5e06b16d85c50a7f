"""Sockets whose system calls a transport may make itself, instead of calling their methods.

These are the sockets of this package and of the standard library. A socket of another class, a mock for
example, has methods of its own. So has one whose class somebody has patched, and the profile does.
"""

import asyncio.trsock

from ..._shared import original

cimport cython

from ..core cimport socket_class, traceback
from ..core.socket_class cimport OriginalAttributes

cdef tuple NAMES = ("recv", "recv_into", "recvfrom", "send", "sendto", "sendmsg", "accept")
cdef OriginalAttributes standard = OriginalAttributes(original.socket, NAMES)
cdef OriginalAttributes own = None


def register_class(cls, /):
    """Make *cls* the class of the package's sockets."""
    global own
    own = OriginalAttributes(cls, NAMES)


cdef bint has_original(object sock) except -1:
    """Whether *sock* has the methods that receive and send as they were."""
    if type(sock) is original_socket:
        return standard.are_unpatched()
    return own is not None and type(sock) is own.cls and own.are_unpatched()



cdef bint is_of_known_class(object sock) except -1:
    """Whether *sock* is of the package's own class or of the standard library's, and of no subclass."""
    return type(sock) is original_socket or own is not None and type(sock) is own.cls


cdef object original_socket = original.socket
