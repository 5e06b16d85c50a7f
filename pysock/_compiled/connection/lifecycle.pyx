"""The life of a socket: made, named, listening, connected, accepted, timed, closed.

Each public function is a method: _compiled/socket.py lists it in `socket`. The rule of delegation:
a family or an argument that this module does not know completely goes to the base class's method,
so that behaviour, error class and error text are the interpreter's own.
"""

import _socket
from ..._shared import original

from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject, PyTypeObject
from libc.errno cimport EAGAIN, ECONNRESET, EINPROGRESS, EINTR, EISCONN
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, INT64_MAX, int64_t

from ..._shared.address import standard_address

from ..core.gil_policy cimport has_low_water, set_low_water
from ..core.retry cimport transfer, wait_for_socket
from ..core.errors cimport raise_errno, raise_timed_out
from .options cimport read_low_water
from ..io.zerocopy_pending cimport close_owner, owners, warn_of_pending
from ..core.arguments cimport as_int, exact_number
from ..core.sockaddr cimport pack_address, unpack_address
from ..core.socket_class cimport socket_class
from ..core.socket_object cimport (
    audit_address, audit_new, detach_fd, module_state, set_module_state, socket,
)
from ..core.threads cimport shared_int, shared_pointer
from ..sys.ps_addr cimport AF_INET, AF_UNIX, ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_socket cimport (
    SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, ps_accept, ps_bind, ps_close, ps_connect,
    ps_getpeername, ps_getsockname, ps_listen, ps_pending_error, ps_set_blocking, ps_shutdown,
    ps_socket, ps_socketpair,
)
from ..sys.ps_io cimport PS_NO_DONTWAIT, ps_io
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef extern from "Python.h":
    bint PyLong_Check(object number)
    bint PyFloat_CheckExact(object number)
    double PyFloat_AS_DOUBLE(object number)


cdef object base = original.socket
cdef object get_default_timeout = _socket.getdefaulttimeout

cdef tuple no_arguments = ()

# Taken from the first socket that the interpreter initialised; until then it initialises them all.
cdef shared_pointer known_module_state = NULL
cdef shared_int module_state_known = False  # set after it


cdef socket new_socket(int fd, int family, int type, int proto):
    """A new `pysock.socket` that owns *fd*; on an error the descriptor is closed."""
    cdef socket sock
    try:
        sock = (<PyTypeObject *>socket_class).tp_new(
            socket_class, <PyObject *>no_arguments, NULL)
        audit_new(sock, family, type, proto)
    except:
        ps_close(fd)
        raise
    fill(sock, fd, family, type, proto)
    return sock


cdef int fill(socket sock, int fd, int family, int type, int proto) except -1:
    """Make *sock* the owner of *fd*, as the interpreter's initialiser does."""
    set_module_state(sock, known_module_state)
    sock.sock_fd = fd
    sock.sock_family = family
    sock.sock_type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)
    sock.sock_proto = proto
    sock.sock_timeout = -1
    sock._io_refs = 0
    sock._closed = False
    if has_low_water(fd):  # a socket that had the number before
        set_low_water(fd, False)
    if type & SOCK_NONBLOCK:
        sock.sock_timeout = 0
    else:
        timeout = get_default_timeout()
        if timeout is not None:
            base.settimeout(sock, timeout)
    return 0


def init(socket self not None, family=-1, type=-1, proto=-1, fileno=None):
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None) -> socket object

    Make a socket, close-on-exec (PEP 446), as `socket(2)` does, or take over the descriptor
    *fileno* and find out what it is. The timeout is that of `setdefaulttimeout()`. Raises OSError
    where the system makes no such socket. Audit event `socket.__new__`.
    """
    global module_state_known, known_module_state
    cdef int c_family, c_type, c_proto, fd
    if not (module_state_known and fileno is None and self.sock_fd == -1
            and PyLong_Check(family) and PyLong_Check(type) and PyLong_Check(proto)):
        base.__init__(self, family, type, proto, fileno)
        known_module_state = module_state(self)
        module_state_known = True
        if fileno is not None:  # of a descriptor that has a history
            read_low_water(self)
        return
    c_family = as_int(family)
    c_type = as_int(type)
    c_proto = as_int(proto)
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
    fill(self, fd, c_family, c_type, c_proto)


def socketpair(family=None, type=SOCK_STREAM, proto=0):
    """socketpair([family[, type[, proto]]]) -> (socket object, socket object)

    Two connected sockets, as `socketpair(2)` makes them; AF_UNIX unless *family* says otherwise.
    Raises OSError. Audit event `socket.__new__`, twice.
    """
    cdef int fds[2]
    cdef int n, c_family, c_type, c_proto
    c_family = AF_UNIX if family is None else as_int(family)
    c_type = as_int(type)
    c_proto = as_int(proto)
    if not module_state_known:
        socket_class(AF_UNIX, SOCK_STREAM).close()
    n = ps_socketpair(c_family, c_type, c_proto, fds)
    if n < 0:
        raise_errno(n)
    try:
        first = new_socket(fds[0], c_family, c_type, c_proto)
    except:
        ps_close(fds[1])
        raise
    return first, new_socket(fds[1], c_family, c_type, c_proto)


def bind(socket self not None, address, /):
    """bind(address)

    Give the socket a local address (`bind(2)`). All forms of an address: docs/guide/addresses.md.
    Raises OSError. Audit event `socket.bind`.
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


def listen(socket self not None, backlog=min(_socket.SOMAXCONN, 128), /):
    """listen([backlog])

    Let others connect (`listen(2)`); at most *backlog* connections wait to be accepted, by default
    a reasonable number. Negative counts as 0. Raises OSError.
    """
    cdef int wanted = as_int(backlog)
    cdef int n = ps_listen(self.sock_fd, wanted if wanted > 0 else 0)
    if n < 0:
        raise_errno(n)


def accept(socket self not None, /):
    """accept() -> (socket object, address)

    Wait for a connection and take it (`accept4(2)`): a new `pysock.socket`, close-on-exec, blocking
    unless `setdefaulttimeout()` says otherwise, and the peer's address. Raises TimeoutError when
    the socket's timeout is over, BlockingIOError, OSError. Audit event `socket.__new__`.
    """
    cdef ps_sockaddr peer
    cdef ps_io io
    cdef int64_t deadline = 0
    cdef int fd
    if not (module_state_known and ps_addr_family_known(self.sock_family)):
        return accept_by_base(self)
    io.name = &peer
    io.flags = PS_NO_DONTWAIT
    io.likely = <size_t>-1  # never with the GIL held
    fd = <int>transfer(self, ps_accept, &io, POLLIN, &deadline)
    sock = new_socket(fd, self.sock_family, self.sock_type, self.sock_proto)
    if has_low_water(self.sock_fd):  # SO_RCVLOWAT is passed on
        set_low_water(sock.sock_fd, True)
    return sock, unpack_address(&peer, io.namelen)


cdef object accept_by_base(socket self):
    fd, address = self._accept()
    sock = socket_class(self.family, self.type, self.proto, fileno=fd)
    # As the standard library: what the descriptor inherited from a listener with a timeout is
    # undone, unless there is a default timeout.
    if get_default_timeout() is None and self.gettimeout():
        sock.setblocking(True)
    return sock, address


cdef enum:
    TIMED_OUT = -0x40000000  # no errno: AF_UNIX says EAGAIN for a full backlog


cdef int connect_now(socket self, const ps_sockaddr *addr, int length) except 1:
    """0, the -errno of the failure, or TIMED_OUT."""
    cdef int64_t timeout = self.sock_timeout
    # A blocking connect that a signal broke off goes on in the kernel: waited for without limit.
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
        # Of AF_UNIX nothing goes on: to wait, as the standard library does, would end at once, and
        # there would be no connection.
    if must_wait:
        if wait_for_socket(self, POLLOUT, timeout, &deadline) == 0:
            return TIMED_OUT
        n = ps_pending_error(self.sock_fd)
        return 0 if n == -EISCONN else n
    return n


def connect(socket self not None, address, /):
    """connect(address)

    Connect to a remote address (`connect(2)`); for datagrams, set the peer. All forms of an address:
    docs/guide/addresses.md. Raises TimeoutError when the socket's timeout is over, OSError. Audit event
    `socket.connect`.
    """
    cdef ps_sockaddr addr
    cdef int n
    cdef int length = pack_address(self.sock_family, address, &addr)
    if length == 0:
        return base.connect(self, standard_address(self, address))
    audit_address("socket.connect", self, address)
    n = connect_now(self, &addr, length)
    if n == TIMED_OUT:
        raise_timed_out()
    if n < 0:
        raise_errno(n)


def connect_ex(socket self not None, address, /):
    """connect_ex(address) -> errno

    As `connect`, but a failure of the connection is returned as its errno, 0 for success. A bad
    address and a host that cannot be resolved still raise. Audit event `socket.connect`.
    """
    cdef ps_sockaddr addr
    cdef int n
    cdef int length = pack_address(self.sock_family, address, &addr)
    if length == 0:
        return base.connect_ex(self, standard_address(self, address))
    audit_address("socket.connect", self, address)
    n = connect_now(self, &addr, length)
    return EAGAIN if n == TIMED_OUT else -n


ctypedef int (*name_query)(int fd, ps_sockaddr *addr, socklen_t *length) noexcept nogil


cdef object name_of(socket self, name_query query, object base_method):
    """The address that *query* gives; *base_method* answers for a family that is not known here."""
    cdef ps_sockaddr addr
    cdef socklen_t length
    cdef int n
    if not ps_addr_family_known(self.sock_family):
        return base_method(self)
    n = query(self.sock_fd, &addr, &length)
    if n < 0:
        raise_errno(n)
    if length > 0 and not ps_addr_family_known(addr.sa.sa_family):
        return base_method(self)  # the descriptor is not what it was said to be
    return unpack_address(&addr, length)


def getsockname(socket self not None, /):
    """getsockname() -> address

    The socket's own address (`getsockname(2)`), in the form of its family. Raises OSError.
    """
    return name_of(self, ps_getsockname, base.getsockname)


def getpeername(socket self not None, /):
    """getpeername() -> address

    The peer's address (`getpeername(2)`), in the form of its family. Raises OSError.
    """
    return name_of(self, ps_getpeername, base.getpeername)


def shutdown(socket self not None, how, /):
    """shutdown(how)

    Shut down the reading half (SHUT_RD), the writing half (SHUT_WR) or both (SHUT_RDWR) of a
    connection (`shutdown(2)`). Raises OSError.
    """
    cdef int n = ps_shutdown(self.sock_fd, as_int(how))
    if n < 0:
        raise_errno(n)


def close(socket self not None, /):
    """close()

    Close the socket, at once or when the last file made by `makefile()` is closed. The descriptor
    is given up even where the system reports an error, which is raised as OSError. ResourceWarning
    where zero-copy sends are pending.
    """
    cdef Py_ssize_t pending
    self._closed = True
    if self._io_refs > 0:
        return
    pending = close_owner(self) if owners else 0
    if is_exactly(self, socket_class):
        close_now(self)
    else:
        self._real_close()  # a subclass (ssl.SSLSocket) has more to close
    if pending > 0:
        warn_of_pending(self, pending)


cdef inline bint is_exactly(object obj, object cls):
    return type(obj) is cls


cdef int close_now(socket self) except -1:
    cdef int fd = detach_fd(self)  # first: nobody may use the number while or after it is closed
    cdef int n
    if fd == -1:
        return 0
    with nogil:
        n = ps_close(fd)
    if n < 0 and n != -ECONNRESET:
        raise_errno(n)
    return 0


cdef int set_mode(socket self, int64_t timeout) except -1:
    cdef int n
    self.sock_timeout = timeout
    n = ps_set_blocking(self.sock_fd, timeout < 0)
    if n < 0:
        raise_errno(n)
    return 0


def settimeout(socket self not None, value, /):
    """settimeout(value)

    None: block; 0: never block; a number of seconds: TimeoutError when an operation takes longer.
    Raises ValueError for a negative number.
    """
    cdef double seconds = -1
    cdef int64_t timeout
    if value is None:
        set_mode(self, -1)
        return
    if PyFloat_CheckExact(value):
        seconds = PyFloat_AS_DOUBLE(value)
    else:
        seconds = <double>exact_number(value, INT32_MAX // 1000)
    if not 0 <= seconds < INT32_MAX // 1000:
        base.settimeout(self, value)  # which says what is wrong with it, if anything
        return
    timeout = <int64_t>ceil(seconds * 1e9)
    if timeout > 0 and self.sock_timeout > 0 and self.sock_fd != -1:
        # From one timeout to another the descriptor stays non-blocking: no system call.
        self.sock_timeout = timeout
    else:
        set_mode(self, timeout)


def setblocking(socket self not None, flag, /):
    """setblocking(flag)

    True: as `settimeout(None)`. False: as `settimeout(0)`.
    """
    if flag is True:
        set_mode(self, -1)
    elif flag is False:
        set_mode(self, 0)
    else:
        base.setblocking(self, flag)  # which numbers count, and what else, depends on its version
