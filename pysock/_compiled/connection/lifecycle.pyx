"""The life cycle of a socket that is made: addresses, connections, timeout, shutdown and close.

Each public function is a method: _compiled/socket.py lists it in `socket`. For a family or an argument
that they do not handle completely, they call the method of the base class with the same arguments. So
the behaviour, the class of the exception and its text are the interpreter's own.
"""

import _socket

from ..._shared import original

cimport cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from libc.errno cimport EAGAIN, ECONNRESET, EINPROGRESS, EINTR, EISCONN
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, INT64_MAX, int64_t

from ..core.retry cimport wait_for_socket
from ..core.errors cimport raise_errno, raise_timed_out
from ..core.function_code cimport has_code
from ..io.zerocopy_pending cimport close_owner, owners, warn_of_pending
from ..core.arguments cimport exact_number, fits_int
from ..core.sockaddr cimport pack_address, standard_address, unpack_address
from ..core.socket_class cimport is_unpatched
from ..core.socket_object cimport audit_address, detach_fd, socket
from ..sys.ps_addr cimport AF_UNIX, ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_socket cimport (
    ps_bind, ps_close, ps_connect, ps_getpeername, ps_getsockname, ps_listen, ps_pending_error,
    ps_set_blocking, ps_shutdown,
)
from ..sys.ps_wait cimport POLLOUT


cdef object base = original.socket
cdef object base_close = original.socket.close
cdef object real_close = original.socket._real_close
cdef object real_close_code = real_close.__code__


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
