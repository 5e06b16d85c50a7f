"""The life cycle of a socket: creation, addresses, connections, timeout, shutdown and close.

Each public function is a method: _compiled/socket.py lists it in `socket`. For a family or an argument
that they do not handle completely, they call the method of the base class with the same arguments. So
the behaviour, the class of the exception and its text are the interpreter's own.
"""

import _socket
import socket as _stdlib

from ..._shared import original
from ..._shared.original import is_of_a_copy

cimport cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.object cimport PyObject, PyTypeObject
from libc.errno cimport EAGAIN, ECONNRESET, EINPROGRESS, EINTR, EISCONN
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, INT64_MAX, int64_t

from ..._shared.rebind import rebind

from ..core.gil_policy cimport has_low_water, set_low_water
from ..core.retry cimport transfer, wait_for_socket
from ..core.errors cimport raise_errno, raise_timed_out
from ..core.function_code cimport has_code
from .options cimport are_members_known, read_low_water, standard_names
from ..io.zerocopy_pending cimport close_owner, owners, warn_of_pending
from ..core.arguments cimport as_int, exact_number, fits_int
from ..core.sockaddr cimport pack_address, standard_address, unpack_address
from ..core.socket_class cimport (
    is_unpatched, namespace, replaced_names, socket_class,
)
from ..core.socket_object cimport (
    audit_address, audit_new, detach_fd, module_state, set_module_state, socket,
)
from ..core.threads cimport dict_get, shared_int, shared_pointer
from ..sys.ps_addr cimport AF_INET, AF_UNIX, ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_socket cimport (
    SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, ps_accept, ps_accept_nonblocking, ps_bind, ps_close,
    ps_connect, ps_getpeername, ps_getsockname, ps_listen, ps_pending_error, ps_set_blocking, ps_shutdown,
    ps_socket, ps_socketpair,
)
from ..sys.ps_io cimport PS_NO_DONTWAIT, ps_io
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef object base = original.socket

# The standard library's functions look up `socket` and others in their module when they are called.
# The rebound ones look them up in this package. A name that somebody has replaced there is used. The
# standard library's own names count after install() only: without it a program that imports pysock
# gets pysock's sockets, whatever gevent has put into `socket`.
cdef object base_close = original.socket.close
cdef object real_close = original.socket._real_close
cdef object real_close_code = real_close.__code__
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


cdef enum:
    # Differs from every -errno: on AF_UNIX, -EAGAIN is a full backlog.
    TIMED_OUT = -0x40000000


cdef int connect_and_wait(socket self, const ps_sockaddr *addr, int length) except 1:
    """Connect, for at most the socket's timeout. Returns 0, -errno, or TIMED_OUT."""
    cdef int64_t timeout = self.sock_timeout
    # A blocking connect(2) that a signal interrupts goes on in the kernel. The wait for it has no limit.
    cdef int64_t deadline = 0 if timeout >= 0 else INT64_MAX
    cdef int fd, n
    cdef bint must_wait
    while True:
        fd = self.sock_fd
        with nogil:
            n = ps_connect(fd, addr, <socklen_t>length)
        if n != -EINTR:
            must_wait = n == -EINPROGRESS and timeout > 0
            break
        PyErr_CheckSignals()
        if self.sock_family != AF_UNIX:
            must_wait = timeout != 0
            break
        # On AF_UNIX it does not go on, so it is called again. The standard library waits, and returns
        # without a connection, because poll() returns at once.
    if must_wait:
        if wait_for_socket(self, POLLOUT, timeout, &deadline) == 0:
            return TIMED_OUT
        n = ps_pending_error(self.sock_fd)
        return 0 if n == -EISCONN else n
    return n


cdef bint connect_to(socket self, object address, int *outcome) except -1:
    """Connect to *address*: see `connect_and_wait`. False for an address of another form."""
    cdef ps_sockaddr addr
    cdef int length = pack_address(self.sock_family, address, &addr)
    if length == 0:
        return False
    audit_address("socket.connect", self, address)
    outcome[0] = connect_and_wait(self, &addr, length)
    return True


ctypedef int (*get_name)(int fd, ps_sockaddr *addr, socklen_t *length) noexcept nogil


cdef object name_of(socket self, get_name get_name, object base_method):
    """The address that *get_name* returns; for other families the result of *base_method*."""
    cdef ps_sockaddr addr
    cdef socklen_t length
    cdef int n
    if not ps_addr_family_known(self.sock_family):
        return base_method(self)
    n = get_name(self.sock_fd, &addr, &length)
    if n < 0:
        raise_errno(n)
    if length > 0 and not ps_addr_family_known(addr.sa.sa_family):
        return base_method(self)  # the object was made with another family than the descriptor's
    return unpack_address(&addr, length)


cdef object sockname_of(socket self):
    return name_of(self, ps_getsockname, base.getsockname)


@cython.binding(False)
def close(sock, /):
    """`socket.close`, which _compiled/socket.py documents."""
    cdef Py_ssize_t pending
    cdef socket self
    if not isinstance(sock, socket):
        return base_close(sock)
    self = <socket>sock
    self._closed = True
    if self._io_refs > 0:
        return
    pending = close_owner(self) if owners else 0
    # The code: tools replace that of a function, which gives the class no new version.
    if is_unpatched(self) and has_code(real_close, real_close_code):
        close_fd(self)
    else:
        self._real_close()  # a subclass may override it (ssl.SSLSocket does)
    if pending > 0:
        warn_of_pending(self, pending)


cdef int close_fd(socket self) except -1:
    # The object loses the descriptor first. Otherwise another thread could use its number after the
    # close(2), when it may belong to another file.
    cdef int fd = detach_fd(self)
    cdef int n
    if fd == -1:
        return 0
    with nogil:
        n = ps_close(fd)
    if n < 0 and n != -ECONNRESET:
        raise_errno(n)
    return 0


cdef int close_usual(socket sock) except -1:
    """The standard library's `close`, of a class that overrides nothing that it calls."""
    sock._closed = True
    if sock._io_refs <= 0:
        close_fd(sock)
    return 0


cdef int set_timeout(socket self, int64_t timeout) except -1:
    """Set the timeout, and O_NONBLOCK of the descriptor."""
    cdef int n
    self.sock_timeout = timeout
    n = ps_set_blocking(self.sock_fd, timeout < 0)
    if n < 0:
        raise_errno(n)
    return 0


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def bind(self, address, /):
        """bind(address)

        Set the local address of the socket (`bind(2)`). docs/guide/addresses.md has all forms of an
        address. Raises OSError. Audit event `socket.bind`.
        """
        cdef ps_sockaddr addr
        cdef int n, fd
        cdef int length = pack_address(self.sock_family, address, &addr)
        if length == 0:
            return base.bind(self, standard_address(self, address))
        audit_address("socket.bind", self, address)
        fd = self.sock_fd
        with nogil:
            n = ps_bind(fd, &addr, <socklen_t>length)
        if n < 0:
            raise_errno(n)

    def listen(self, backlog=min(_socket.SOMAXCONN, 128), /):
        """listen([backlog])

        Let the socket accept connections (`listen(2)`). At most *backlog* connections wait for `accept`; the
        default is the smaller of SOMAXCONN and 128. A negative number is used as 0. Raises OSError.
        """
        cdef int wanted, n
        if not fits_int(backlog, &wanted):
            return base.listen(self, backlog)
        n = ps_listen(self.sock_fd, wanted if wanted > 0 else 0)
        if n < 0:
            raise_errno(n)

    def connect(self, address, /):
        """connect(address)

        Connect to *address* (`connect(2)`). On a datagram socket this sets the peer.
        docs/guide/addresses.md has all forms of an address. Raises TimeoutError when the socket's timeout
        is over, OSError. Audit event `socket.connect`.
        """
        cdef int n
        if not connect_to(self, address, &n):
            return base.connect(self, standard_address(self, address))
        if n == TIMED_OUT:
            raise_timed_out()
        if n < 0:
            raise_errno(n)

    def connect_ex(self, address, /):
        """connect_ex(address) -> errno

        As `connect`, but return the errno where the connection fails, and 0 where it succeeds. The errno
        after the socket's timeout is EAGAIN. An invalid address and a host that cannot be resolved still
        raise an exception. Audit event `socket.connect`.
        """
        cdef int n
        if not connect_to(self, address, &n):
            return base.connect_ex(self, standard_address(self, address))
        return EAGAIN if n == TIMED_OUT else -n

    def getsockname(self, /):
        """getsockname() -> address

        The local address of the socket (`getsockname(2)`), in the form of its family. Raises OSError.
        """
        return sockname_of(self)

    def getpeername(self, /):
        """getpeername() -> address

        The address of the peer (`getpeername(2)`), in the form of its family. Raises OSError.
        """
        return name_of(self, ps_getpeername, base.getpeername)

    def shutdown(self, how, /):
        """shutdown(how)

        Shut down the reading half (SHUT_RD), the writing half (SHUT_WR) or both (SHUT_RDWR) of a
        connection (`shutdown(2)`). Raises OSError.
        """
        cdef int c_how, n
        if not fits_int(how, &c_how):
            return base.shutdown(self, how)
        n = ps_shutdown(self.sock_fd, c_how)
        if n < 0:
            raise_errno(n)

    def settimeout(self, value, /):
        """settimeout(value)

        Set the timeout of the socket's operations, in seconds. None: they block. 0: they never block. Any
        other number: an operation that takes longer raises TimeoutError. Raises ValueError for a negative
        number.
        """
        cdef double seconds = -1
        cdef int64_t timeout
        if value is None:
            set_timeout(self, -1)
            return
        if PyFloat_CheckExact(value):
            seconds = PyFloat_AS_DOUBLE(value)
        else:
            seconds = <double>exact_number(value, INT32_MAX // 1000)
        if not 0 <= seconds < INT32_MAX // 1000:
            base.settimeout(self, value)  # raises the exception for it, if any
            return
        timeout = <int64_t>ceil(seconds * 1e9)
        if timeout > 0 and self.sock_timeout > 0 and self.sock_fd != -1:
            # With either timeout the descriptor is non-blocking, so no system call is needed.
            self.sock_timeout = timeout
        else:
            set_timeout(self, timeout)

    def setblocking(self, flag, /):
        """setblocking(flag)

        With True the same as `settimeout(None)`, and with False the same as `settimeout(0)`.
        """
        if flag is True:
            set_timeout(self, -1)
        elif flag is False:
            set_timeout(self, 0)
        else:
            base.setblocking(self, flag)  # the types that it accepts depend on the Python version
