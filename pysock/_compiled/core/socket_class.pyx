"""The class of the sockets that are made here, and whether a socket's class overrides a method.

The class is a Python class that lists functions of these modules as its methods (_compiled/socket.py),
so it comes after them, and registers itself.
"""

from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_socket cimport SOCK_STREAM
from .socket_object cimport socket

cdef object socket_class = None


def register_class(cls, /):
    """Make *cls* the class of the sockets that `accept` and `socketpair` return."""
    global socket_class
    socket_class = cls


cdef bint overrides(socket sock, str method) except -1:
    """Whether the class of *sock* has a *method* other than pysock's, which may do more (TLS)."""
    return (type(sock) is not socket_class
            and getattr(type(sock), method) is not getattr(socket_class, method))


cdef bint is_stream(socket sock, str method) except -1:
    """Whether *sock* is a stream of a known family, and its class does not override *method*."""
    return (sock.sock_type == SOCK_STREAM and ps_addr_family_known(sock.sock_family)
            and not overrides(sock, method))
