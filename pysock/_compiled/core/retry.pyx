"""The loop that retries a transfer, and the waits that it is made of.

A transfer goes like this:

1. Try it, with MSG_DONTWAIT and the GIL held, unless gil_policy.pyx has a reason against it. A call
   that can finish at once needs no poll() before it, which the standard library makes under a
   timeout.
2. It finished: return. The other steps are in `finish`.
3. It failed: raise the error. EINTR is not an error: signal handlers run, and may raise (PEP 475).
4. It would block. On a non-blocking socket that is BlockingIOError, after one system call. Under a
   timeout, poll() until the deadline. On a blocking socket make the blocking system call itself: it
   honours SO_RCVTIMEO and SO_SNDTIMEO, and an O_NONBLOCK that was set behind Python's back.
5. Try again.

The timeout is the socket's or the call's own. The descriptor is read again after every release of the
GIL: another thread may have closed it, and its number may belong to another file by then.

EPOLLERR stays set while the error queue is not empty (completions of zero-copy sends, transmit
timestamps, ICMP errors), so poll() returns at once, every time, and the transfer would still block.
After two such returns a watch is waited for instead, which reports only what is new (ps_wait.h).

Every transfer is retried by this loop. Four other places wait, each for something else: `connect`
for the end of a connection attempt (connection/lifecycle.pyx), `select` for the descriptors of an
epoll (selectors/epoll.pyx), `splice` for two descriptors at once (io/splice.pyx), and a stream for its
lock (stream/lock.pyx).
"""

from os import strerror

from cpython.exc cimport PyErr_CheckSignals, PyErr_SetObject
from libc.errno cimport EAGAIN, EINTR
from libc.stdint cimport int64_t

from ..sys.ps_addr cimport AF_UNIX
from ..sys.ps_io cimport (
    MSG_DONTWAIT, MSG_WAITALL, PS_TRYABLE_FLAGS, ps_io, ps_io_advance, ps_transfer,
)
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport (
    POLLIN, ps_clock, ps_wait, ps_wait_room, ps_watch_close, ps_watch_open, ps_watch_wait,
)
from .errors cimport raise_errno, raise_timed_out
from .gil_policy cimport (
    NO_WAIT, count_hit, count_miss, gil_hold, has_low_water, learn_from_release, may_hold,
)
from .socket_object cimport fd_ptr_of, socket

cdef enum:
    NOT_WATCHED = -0x40000000  # differs from every -errno and from every descriptor
    MAX_FALSE_WAKEUPS = 2     # returns of poll() after which the transfer would still block


cdef tuple would_block = (EAGAIN, strerror(EAGAIN))


cdef int raise_would_block() except -1:
    """Raise what raise_errno(-EAGAIN) raises, but make the arguments of the exception only once."""
    PyErr_SetObject(BlockingIOError, would_block)
    return -1


cdef int wait_for_fd(const int *fd_ptr, short events, int64_t timeout, int64_t *deadline) except -1:
    """Wait for *events* for at most *timeout* ns, counted from the call's first wait.

    Returns 1, or 0 after the deadline. The descriptor is read from *fd_ptr* for every system call. A
    negative *timeout* has no end. A signal handler runs and may raise. If it does not, the wait goes
    on until the same deadline (PEP 475).
    """
    return wait(fd_ptr, NOT_WATCHED, events, timeout, deadline)


cdef int wait_for_watch(const int *fd_ptr, int watch, int64_t timeout, int64_t *deadline) except -1:
    """As `wait_for_fd`, for any event since *watch* was opened (ps_watch_open)."""
    return wait(fd_ptr, watch, 0, timeout, deadline)


cdef int wait(const int *fd_ptr, int watch, short events, int64_t timeout,
              int64_t *deadline) except -1:
    cdef int fd, ready
    cdef int64_t until, start, end
    start = ps_clock()
    start_deadline(deadline, timeout, start)
    until = deadline[0]
    while True:
        fd = fd_ptr[0]
        with nogil:
            if watch == NOT_WATCHED:
                ready = ps_wait(fd, events, until)
            else:
                ready = ps_watch_wait(watch, until)
            end = ps_clock()
        after_release(start, end, POLLED)
        if ready > 0:
            if events == POLLIN and end - start < NO_WAIT:
                count_hit(fd)
            return 1
        if ready == 0:
            if end >= until:
                return 0
        elif ready == -EINTR:
            PyErr_CheckSignals()
        else:
            raise_errno(ready)


cdef ssize_t finish(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                    int64_t *deadline, ssize_t tried) except -1:
    """The steps of `transfer_within` after its try, whose result is *tried*."""
    # The descriptor of a socket that has a timeout, or is non-blocking, cannot block in the kernel.
    cdef bint blocks = timeout < 0 and sock.sock_timeout < 0
    if tried >= 0:
        if blocks and sock.sock_type == SOCK_STREAM and not io.flags & MSG_DONTWAIT:
            return tried + rest(sock, operation, io, tried)
        return tried
    if tried == -EINTR:
        PyErr_CheckSignals()
    elif tried == -EAGAIN:
        if timeout == 0:
            raise_would_block()
        if events == POLLIN:
            count_miss(sock.sock_fd)
    elif tried != NOT_TRIED:
        raise_errno(tried)
    if blocks:
        return retry(sock, operation, io, events, timeout, deadline, blocks, False)
    return retry(sock, operation, io, events, timeout, deadline, blocks,
                 tried == -EAGAIN or (tried == NOT_TRIED and waits_first(sock, io, events, timeout)))


cdef bint waits_first(socket sock, const ps_io *io, short events, int64_t timeout) noexcept:
    """Whether a transfer that was not tried with the GIL held waits before its first system call."""
    if timeout == 0:
        return False
    if io.flags & ~PS_TRYABLE_FLAGS:
        return True
    # A receive that releases the GIL because it is large often finds its data there.
    return events == POLLIN and (io.likely <= gil_hold or has_low_water(sock.sock_fd))


cdef ssize_t retry(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                   int64_t *deadline, bint blocks, bint would_block) except -1:
    """Wait and try until the transfer is done. If *blocks*, the system call itself waits."""
    cdef bint tryable = not io.flags & ~PS_TRYABLE_FLAGS
    # MSG_DONTWAIT, because the descriptor may have been made blocking behind Python's back.
    cdef int flags = io.flags | MSG_DONTWAIT if tryable and not blocks else io.flags
    cdef int watch = NOT_WATCHED
    cdef int false_wakeups = 0
    cdef int64_t start, end
    cdef ssize_t n
    cdef int fd
    try:
        while True:
            if would_block and not wait(fd_ptr_of(sock), watch, events, timeout, deadline):
                raise_timed_out()
            fd = sock.sock_fd
            if tryable and not blocks and may_hold(io):
                n = operation(fd, io, flags)
            else:
                start = ps_clock() if blocks else 0
                with nogil:
                    n = operation(fd, io, flags)
                    end = ps_clock()
                after_release(start, end, n if n > 0 else 0)
                if blocks and n >= 0 and events == POLLIN and end - start < NO_WAIT:
                    count_hit(fd)
            if n >= 0:
                return n
            if n == -EINTR:
                PyErr_CheckSignals()
            elif n != -EAGAIN or blocks:
                raise_errno(n)
            elif timeout == 0:
                raise_would_block()
            else:
                false_wakeups += would_block
                would_block = True
                if false_wakeups == MAX_FALSE_WAKEUPS and watch == NOT_WATCHED:
                    watch = ps_watch_open(sock.sock_fd, events)
                    would_block = False  # the watch does not report what happened before it was opened
    finally:
        if watch != NOT_WATCHED:
            ps_watch_close(watch)


cdef ssize_t send_the_rest(socket sock, ps_transfer operation, ps_io *io, ssize_t sent) except -1:
    """Send the rest of *io*, of which a blocking send of a stream has sent *sent* bytes.

    A blocking send(2) queues all of it. After an error or a signal it returns how much it has sent, and
    the next call gets the error. So does this function. AF_UNIX drops the error after a part was sent,
    so there is no need to wait in a way that keeps it. *io* is the same afterwards, except for the
    iovecs of a message. The number that is returned includes only what this function has sent.
    """
    cdef ssize_t n = 0
    cdef const int *fd_ptr = fd_ptr_of(sock)
    cdef bint keeps_errors = sock.sock_family != AF_UNIX
    # *io* itself is sent from, not a copy: it may be the first field of a larger struct.
    cdef ps_io whole = io[0]
    ps_io_advance(io, <size_t>sent)
    with nogil:
        if not keeps_errors or ps_wait_room(fd_ptr[0]):
            n = operation(fd_ptr[0], io, io.flags)
    io[0] = whole
    return n if n > 0 else 0


cdef int finish_whole(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                      int64_t *deadline, ssize_t tried) except -1:
    """The steps of `transfer_whole` after its try, whose result is *tried*."""
    cdef bint blocks = timeout < 0 and sock.sock_timeout < 0
    cdef ssize_t n = tried
    cdef int64_t now
    if events == POLLIN and blocks and sock.sock_family != AF_UNIX:
        # With MSG_WAITALL the kernel waits for all bytes, and the GIL is acquired again only once. After
        # a signal, an error or the end of the stream it returns what it has received. AF_UNIX would
        # drop the error then.
        io.flags |= MSG_WAITALL
    if n < 0:
        n = finish(sock, operation, io, events, timeout, deadline, n)
    while n > 0 or events != POLLIN:
        ps_io_advance(io, <size_t>n)
        if io.len == 0:
            return 1
        io.likely = io.len
        PyErr_CheckSignals()
        # A short transfer has received all that was there, or filled the send buffer. The next one
        # would block.
        if timeout > 0:
            now = ps_clock()
            start_deadline(deadline, timeout, now)
            if now >= deadline[0]:
                raise_timed_out()
        n = retry(sock, operation, io, events, timeout, deadline, blocks,
                  timeout != 0 and not blocks)
    return 0


cdef int learn(int64_t started, int64_t wanted, ssize_t moved) except -1:
    """`after_release`, without a profile."""
    return learn_from_release(wanted)


after_release = learn
rest = send_the_rest
