"""The class `pysock.socket`, and whether the class of a socket overrides one of its methods.

_compiled/socket.py defines the class after it has imported these modules, because their functions are
its methods. So it has to register the class here.
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
    """Whether the class of *sock* overrides *method*, which may do more then (ssl.SSLSocket)."""
    return (type(sock) is not socket_class
            and getattr(type(sock), method) is not getattr(socket_class, method))


cdef bint is_stream(socket sock, str method) except -1:
    """Whether *sock* is a stream of a known family, and its class does not override *method*."""
    return (sock.sock_type == SOCK_STREAM and ps_addr_family_known(sock.sock_family)
            and not overrides(sock, method))
