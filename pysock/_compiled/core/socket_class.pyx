# cython: binding=False
"""The class `pysock.socket`: which of its methods a subclass or a patch replaces.

_compiled/socket.py defines the class after it has imported these modules, because their functions are
its methods. So it has to register the class here.

The standard library's `accept`, `close` and `sendfile` call other methods of the socket. A subclass
may override these, and a mock or a guard may replace them in the class. The C functions call none of
them. So they ask `is_unpatched` first, and leave the call to the standard library's function if it
says no. A file on a socket is asked in the same way: OriginalAttributes answers for both classes.
"""

from ..._shared import installed

cimport cython

from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_socket cimport SOCK_STREAM
from .class_version cimport version_of
from .socket_object cimport socket


cdef object socket_class = None
cdef object module_file = None
cdef dict namespace = None
cdef list replaced_names = installed.replaced
cdef OriginalAttributes called = None

# The methods and attributes that the standard library's accept, close and sendfile ask.
cdef tuple CALLED = (
    "__init__", "_accept", "_real_close", "family", "fileno", "gettimeout", "proto", "type",
)


@cython.final
cdef class OriginalAttributes:
    """Attributes of a class, as they are now: whether somebody replaces one of them later.

    A change of a class, or of a base, changes its version. So the usual answer takes two comparisons.
    """

    def __cinit__(self, cls, tuple names):
        self.cls = cls
        self.values = {name: getattr(cls, name) for name in names}

    cdef bint are_unpatched(self) except -1:
        cdef unsigned long version = version_of(self.cls)
        if version != 0 and version == self.version:
            return True
        for name, value in self.values.items():
            if getattr(self.cls, name) is not value:
                return False
        self.version = version
        return True


def register_class(cls, file, names, /):
    """Make *cls* the class of the sockets that `accept` and `socketpair` return.

    *file* is the file of the module that defines it. *names* is the namespace in which functions of
    the package look up their globals.
    """
    global socket_class, module_file, namespace, called
    socket_class = cls
    module_file = file
    namespace = names
    called = OriginalAttributes(cls, CALLED)


cdef bint overrides(socket sock, str method) except -1:
    """Whether the class of *sock* overrides *method*, which may do more then (ssl.SSLSocket)."""
    return (type(sock) is not socket_class
            and getattr(type(sock), method) is not getattr(socket_class, method))


cdef bint is_unpatched(socket sock) except -1:
    """Whether *sock* is of the class itself, and nothing that CALLED names is replaced in it."""
    return type(sock) is socket_class and called.are_unpatched()


cdef bint is_stream(socket sock, str method) except -1:
    """Whether *sock* is a stream of a known family, and its class does not override *method*."""
    return (sock.sock_type == SOCK_STREAM and ps_addr_family_known(sock.sock_family)
            and not overrides(sock, method))
