"""The one wait-and-retry loop, for every call that can block. The reasons are in _call.pyx."""

from libc.stdint cimport int64_t

from ._sockobject cimport socket
from .ps_io cimport MSG_DONTWAIT, PS_TRYABLE_FLAGS, ps_io, ps_transfer
from .ps_wait cimport POLLIN

cdef size_t gil_hold  # transfers of at most so many bytes are tried without giving up the GIL

cdef ssize_t transfer_slowly(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t *deadline, ssize_t tried) except -1

cdef int wait_for(socket sock, short events, int64_t timeout, int64_t *deadline) except -1

cdef enum:
    NOT_TRIED = -0x40000000  # no errno


cdef inline ssize_t transfer(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t *deadline) except -1:
    """Do *operation* once it can be done; the number of bytes, or an exception.

    *events* is POLLIN or POLLOUT. *deadline* is 0, or the ps_clock() at which to give up; it is
    set when the socket has a timeout and the call had to wait, so that a caller who needs several
    transfers spends one timeout on them all.
    """
    cdef ssize_t n = NOT_TRIED
    if io.likely <= gil_hold and not io.flags & ~PS_TRYABLE_FLAGS:
        n = operation(sock.sock_fd, io, io.flags | MSG_DONTWAIT)
        if n >= 0 and (events == POLLIN or <size_t>n == io.len):
            return n
    return transfer_slowly(sock, operation, io, events, deadline, n)
