"""The loop that retries a transfer. The reasons are in retry.pyx."""

from libc.stdint cimport INT64_MAX, int64_t

from ..sys.ps_io cimport MSG_DONTWAIT, ps_io, ps_transfer
from ..sys.ps_wait cimport POLLIN
from .gil_policy cimport count_hit, may_try
from .socket_object cimport fd_ptr_of, socket

cdef extern from "_compiled/core/traceback.h":  # for all modules that may raise BlockingIOError often
    pass

cdef enum:
    NOT_TRIED = -0x40000000  # differs from every -errno
    POLLED = -1              # in the place of the bytes that a release of the GIL has moved

ctypedef int (*release_learner)(int64_t started, int64_t wanted, ssize_t moved) except -1
ctypedef ssize_t (*rest_sender)(socket sock, ps_transfer operation, ps_io *io, ssize_t sent) except -1

# What is called where a transfer has waited. A profile puts its own functions here, before the program
# starts, so a transfer asks nowhere whether there is one.
# After a release of the GIL, with the ps_clock() before it, or 0 where it could not wait.
cdef release_learner after_release
cdef rest_sender rest

cdef ssize_t finish(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                    int64_t *deadline, ssize_t tried) except -1
cdef int finish_whole(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                      int64_t *deadline, ssize_t tried) except -1
cdef int wait_for_fd(const int *fd_ptr, short events, int64_t timeout, int64_t *deadline) except -1
cdef int wait_for_watch(const int *fd_ptr, int watch, int64_t timeout, int64_t *deadline) except -1


cdef inline void start_deadline(int64_t *deadline, int64_t timeout, int64_t now) noexcept:
    """Count *timeout* from *now* on, unless it is counted already. A negative one has no end."""
    if deadline[0] == 0:
        deadline[0] = now + timeout if 0 <= timeout < INT64_MAX - now else INT64_MAX


cdef inline int wait_for_socket(socket sock, short events, int64_t timeout,
                                int64_t *deadline) except -1:
    """`wait_for_fd` of the socket's descriptor."""
    return wait_for_fd(fd_ptr_of(sock), events, timeout, deadline)


cdef inline ssize_t transfer_within(socket sock, ps_transfer operation, ps_io *io, short events,
                                    int64_t timeout, int64_t *deadline) except -1:
    """Do *operation* once it can be done: the number of bytes, or an exception.

    *events* is POLLIN or POLLOUT. *timeout* is in ns, as a socket has it: negative to block, 0
    never to wait. *deadline* is 0, or the ps_clock() at which to give up. It is set when there is a
    timeout and the call had to wait, so that a caller who needs several transfers spends one timeout
    on them all.
    """
    cdef ssize_t n = NOT_TRIED
    if may_try(sock, io, events, timeout):
        n = operation(sock.sock_fd, io, io.flags | MSG_DONTWAIT)
        if n >= 0 and events == POLLIN:
            count_hit(sock.sock_fd)
            return n
        if n >= 0 and <size_t>n == io.len:
            return n
    return finish(sock, operation, io, events, timeout, deadline, n)


cdef inline ssize_t transfer(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t *deadline) except -1:
    """`transfer_within` the socket's own timeout."""
    return transfer_within(sock, operation, io, events, sock.sock_timeout, deadline)


cdef inline int transfer_whole(socket sock, ps_transfer operation, ps_io *io, short events,
                               int64_t timeout, int64_t *deadline) except -1:
    """`transfer_within`, until io.len bytes have moved: 1, or 0 where a stream ended before.

    *io* moves on with them. Whatever happens, an exception too, io.len is what has not moved.
    """
    cdef ssize_t n = NOT_TRIED
    if may_try(sock, io, events, timeout):
        n = operation(sock.sock_fd, io, io.flags | MSG_DONTWAIT)
        if n >= 0:
            if events == POLLIN:
                count_hit(sock.sock_fd)
            if <size_t>n == io.len:
                io.len = 0
                return 1
    return finish_whole(sock, operation, io, events, timeout, deadline, n)
