"""The one wait-and-retry loop, for every call that can block. The reasons are in _call.pyx."""

from libc.stdint cimport int64_t

from .socket_object cimport fd_place, socket
from .threads cimport shared_byte, shared_int, shared_size
from ..sys.ps_io cimport MSG_DONTWAIT, PS_TRYABLE_FLAGS, ps_io, ps_transfer
from ..sys.ps_wait cimport POLLIN

cdef extern from "_compiled/core/traceback.h":  # for all that can raise BlockingIOError all day
    pass

cdef shared_size gil_hold  # transfers of at most so many bytes are tried without giving up the GIL
cdef shared_int contention  # above 0: other threads do I/O, and nothing is tried with the GIL held

cdef enum:
    NOT_TRIED = -0x40000000  # no errno
    DESCRIPTORS = 1 << 16    # a power of two
    SELDOM_READY = 2         # tries in vain, one after the other, that make the next one pointless
    NEVER_TRIED = 255        # in their place: a try would not heed the socket's SO_RCVLOWAT

cdef shared_byte[DESCRIPTORS] tries_in_vain  # of receives, by descriptor modulo DESCRIPTORS

cdef ssize_t transfer_slowly(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t timeout, int64_t *deadline, ssize_t tried) except -1

cdef int transfer_rest(socket sock, ps_transfer operation, ps_io *io, short events,
                       int64_t timeout, int64_t *deadline, ssize_t tried) except -1

cdef int wait_on(const int *place, short events, int64_t timeout, int64_t *deadline) except -1
cdef int wait_for_news(const int *place, int watch, int64_t timeout, int64_t *deadline) except -1


cdef inline int wait_for(socket sock, short events, int64_t timeout, int64_t *deadline) except -1:
    """`wait_on` the socket's descriptor."""
    return wait_on(fd_place(sock), events, timeout, deadline)


cdef inline shared_byte *in_vain(socket sock) noexcept:
    return &tries_in_vain[<unsigned int>sock.sock_fd % DESCRIPTORS]


cdef inline void forget(shared_byte *count) noexcept:
    # Written only then: threads without a GIL would pass its cache line around.
    if count[0] and count[0] != NEVER_TRIED:
        count[0] = 0


cdef inline bint may_try(socket sock, ps_io *io, short events, int64_t timeout) noexcept:
    """Is a try with the GIL held right for this transfer? The reasons are in _call.pyx."""
    return (contention == 0 and io.likely <= gil_hold and not io.flags & ~PS_TRYABLE_FLAGS
            and (events != POLLIN or in_vain(sock)[0] < SELDOM_READY or timeout == 0))


cdef inline ssize_t transfer_within(socket sock, ps_transfer operation, ps_io *io, short events,
                                    int64_t timeout, int64_t *deadline) except -1:
    """Do *operation* once it can be done; the number of bytes, or an exception.

    *events* is POLLIN or POLLOUT. *timeout* is in ns, as a socket has it: negative to block, 0
    never to wait. *deadline* is 0, or the ps_clock() at which to give up; it is set when there is a
    timeout and the call had to wait, so that a caller who needs several transfers spends one timeout
    on them all.
    """
    cdef ssize_t n = NOT_TRIED
    if may_try(sock, io, events, timeout):
        n = operation(sock.sock_fd, io, io.flags | MSG_DONTWAIT)
        if n >= 0 and events == POLLIN:
            forget(in_vain(sock))
            return n
        if n >= 0 and <size_t>n == io.len:
            return n
    return transfer_slowly(sock, operation, io, events, timeout, deadline, n)


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
                forget(in_vain(sock))
            if <size_t>n == io.len:
                io.len = 0
                return 1
    return transfer_rest(sock, operation, io, events, timeout, deadline, n)
