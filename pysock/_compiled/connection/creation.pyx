"""Making sockets: the initialiser of `socket`, `socketpair` and `accept`.

_compiled/socket.py documents the functions and puts them into `socket`. For a family or an argument that
they do not handle completely, they call the standard library's function with the same arguments. So the
behaviour, the class of the exception and its text are the interpreter's own.
"""

import _socket
import socket as _stdlib

from ..._shared import original
from ..._shared.original import is_of_a_copy
from ..._shared.rebind import rebind

cimport cython

from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport int64_t

from ..core.arguments cimport as_int, fits_int
from ..core.errors cimport raise_errno
from ..core.gil_policy cimport has_low_water, set_low_water
from ..core.retry cimport transfer
from ..core.sockaddr cimport unpack_address
from ..core.socket_class cimport is_unpatched, namespace, replaced_names, socket_class
from ..core.socket_object cimport audit_new, module_state, set_module_state, socket
from ..core.threads cimport dict_get, shared_int, shared_pointer
from .options cimport are_members_known, read_low_water, standard_names
from ..sys.ps_addr cimport AF_INET, AF_UNIX, ps_addr_family_known, ps_sockaddr
from ..sys.ps_io cimport PS_NO_DONTWAIT, ps_io
from ..sys.ps_socket cimport (
    SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, ps_accept, ps_accept_nonblocking, ps_close, ps_socket,
    ps_socketpair,
)
from ..sys.ps_wait cimport POLLIN


cdef object base = original.socket

# The standard library's functions look up `socket` and others in their module when they are called.
# The rebound ones look them up in this package. A name that somebody has replaced there is used. The
# standard library's own names count after install() only: without it a program that imports pysock
# gets pysock's sockets, whatever gevent has put into `socket`.
cdef object base_accept = original.socket.accept
cdef object rebound_accept = rebind(original.socket.accept)
cdef object base_socketpair = _stdlib.socketpair
cdef object rebound_socketpair = rebind(_stdlib.socketpair)
cdef dict c_names = vars(_socket)
cdef object c_socketpair = _socket.socketpair  # the standard library's looks it up there
cdef object get_default_timeout = _socket.getdefaulttimeout

cdef tuple no_arguments = ()

# The _socket module's state. The interpreter initialises the first socket, which then has the state.
# Until then no socket is initialised here, except that of a connection: its listener has the state.
cdef shared_pointer socket_module_state = NULL
cdef shared_int has_module_state = False  # set after socket_module_state


cdef int learn_module_state(socket sock) noexcept:
    """Take it from *sock*, which the interpreter has initialised, or which has it from such a one."""
    global has_module_state, socket_module_state
    socket_module_state = module_state(sock)
    has_module_state = True
    return 0


cdef socket new_socket(object cls, int fd, int family, int type, int proto):
    """A new socket that owns *fd*, of the package's class or of the standard library's.

    After an exception the descriptor is closed.
    """
    cdef socket sock
    try:
        sock = (<PyTypeObject *>cls).tp_new(cls, <PyObject *>no_arguments, NULL)
        audit_new(sock, family, type, proto)
    except:
        ps_close(fd)
        raise
    init_fields(sock, fd, family, type, proto)
    return sock


cdef int init_fields(socket sock, int fd, int family, int type, int proto) except -1:
    """Initialise *sock* as the owner of *fd*, as the interpreter's initialiser does."""
    set_module_state(sock, socket_module_state)
    sock.sock_fd = fd
    sock.sock_family = family
    sock.sock_type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)
    sock.sock_proto = proto
    sock.sock_timeout = -1
    sock._io_refs = 0
    sock._closed = False
    if has_low_water(fd):  # of a socket that had the same number before
        set_low_water(fd, False)
    if type & SOCK_NONBLOCK:
        sock.sock_timeout = 0
    else:
        timeout = get_default_timeout()
        if timeout is not None:
            base.settimeout(sock, timeout)
    return 0


@cython.binding(False)
def init(socket self not None, family=-1, type=-1, proto=-1, fileno=None):
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None) -> socket object

    Make a socket (`socket(2)`), which is close-on-exec (PEP 446). With *fileno* the object uses this
    descriptor instead, and arguments that are not given are those of the descriptor's socket. The
    timeout is that of `setdefaulttimeout()`. Raises OSError where the kernel cannot make such a
    socket. Audit event `socket.__new__`.
    """
    cdef int c_family, c_type, c_proto, fd
    if not (has_module_state and fileno is None and self.sock_fd == -1
            and fits_int(family, &c_family) and fits_int(type, &c_type)
            and fits_int(proto, &c_proto)):
        base.__init__(self, family, type, proto, fileno)
        learn_module_state(self)
        if fileno is not None:  # other code may have set SO_RCVLOWAT on the descriptor
            read_low_water(self)
        return
    if c_family == -1:
        c_family = AF_INET
    if c_type == -1:
        c_type = SOCK_STREAM
    if c_proto == -1:
        c_proto = 0
    if not ps_addr_family_known(c_family):
        base.__init__(self, family, type, proto, fileno)
        return
    audit_new(self, c_family, c_type, c_proto)
    fd = ps_socket(c_family, c_type, c_proto)
    if fd < 0:
        raise_errno(fd)
    init_fields(self, fd, c_family, c_type, c_proto)


cdef bint is_replaced_in(dict names) except -1:
    """Whether *names* has another class as `socket`, or another `getdefaulttimeout`."""
    cdef object cls = names["socket"]
    return (cls is not socket_class and cls is not base
            and not is_of_a_copy(getattr(cls, "__module__", None))
            or names["getdefaulttimeout"] is not get_default_timeout)


cdef socket first_of_pair(const int *fds, int family, int type, int proto):
    """A socket that owns the first descriptor. After an exception both are closed."""
    try:
        return new_socket(socket_class, fds[0], family, type, proto)
    except:
        ps_close(fds[1])
        raise


@cython.binding(False)
def socketpair(family=None, type=SOCK_STREAM, proto=0):
    """`socketpair`, which _compiled/socket.py documents."""
    cdef int fds[2]
    cdef int n, c_family, c_type, c_proto
    if replaced_names and is_replaced_in(standard_names):
        return base_socketpair(family, type, proto)
    if is_replaced_in(namespace) or dict_get(c_names, "socketpair") is not c_socketpair:
        return rebound_socketpair(family, type, proto)
    c_family = AF_UNIX if family is None else as_int(family)
    c_type = as_int(type)
    c_proto = as_int(proto)
    if not has_module_state:
        socket_class(AF_UNIX, SOCK_STREAM).close()
    n = ps_socketpair(c_family, c_type, c_proto, fds)
    if n < 0:
        raise_errno(n)
    first = first_of_pair(fds, c_family, c_type, c_proto)
    return first, new_socket(socket_class, fds[1], c_family, c_type, c_proto)


cdef bint accepts_here(object listener) except -1:
    """Whether *listener* is of the package, and nothing that the standard library's `accept` asks is replaced."""
    return (isinstance(listener, socket) and not is_replaced_in(namespace)
            and not (replaced_names and is_replaced_in(standard_names))
            and is_unpatched(<socket>listener)
            and ps_addr_family_known((<socket>listener).sock_family)
            # The standard library's `accept` asks for `family` and `type`.
            and are_members_known(standard_names, True, True))


@cython.binding(False)
def accept(listener, /):
    """`socket.accept`, which _compiled/socket.py documents."""
    if accepts_here(listener):
        return accept_as(<socket>listener, socket_class, True)
    if replaced_names and is_replaced_in(standard_names):
        return base_accept(listener)
    return rebound_accept(listener)


cdef object accept_as(socket self, object cls, bint blocking):
    """Accept a connection. Its socket is of *cls*: the package's class, or the standard library's.

    Without *blocking* it has a timeout of 0, for an event loop.
    """
    cdef socket sock
    cdef ps_sockaddr peer
    cdef ps_io io
    cdef int64_t deadline = 0
    cdef int fd
    io.name = &peer
    io.flags = PS_NO_DONTWAIT
    io.likely = <size_t>-1  # never with the GIL held
    fd = <int>transfer(
        self, ps_accept if blocking else ps_accept_nonblocking, &io, POLLIN, &deadline)
    if not has_module_state:  # after the call: an object without a descriptor has no state
        learn_module_state(self)
    sock = new_socket(cls, fd, self.sock_family, self.sock_type, self.sock_proto)
    if not blocking:
        sock.sock_timeout = 0
    if has_low_water(self.sock_fd):  # the new socket inherits SO_RCVLOWAT
        set_low_water(fd, True)
    return sock, unpack_address(&peer, io.namelen)
