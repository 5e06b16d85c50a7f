"""The loop that retries a transfer, and the waits that it is made of.

A transfer goes like this:

1. Try it, with MSG_DONTWAIT and the GIL held, unless gil_policy.pyx has a reason against it. A call
   that can finish at once needs no poll() before it, which the standard library makes under a
   timeout.
2. It finished: that is all. The other steps are in `finish`.
3. It failed: raise the error. EINTR is none: the handlers of signals run, and may raise (PEP 475).
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
from libc.stdint cimport INT64_MAX, int64_t

from ..sys.ps_addr cimport AF_UNIX
from ..sys.ps_io cimport (
    MSG_DONTWAIT, MSG_WAITALL, PS_TRYABLE_FLAGS, ps_io, ps_io_advance, ps_transfer,
)
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport (
    POLLIN, ps_clock, ps_wait, ps_wait_room, ps_watch_close, ps_watch_open, ps_watch_wait,
)
from .errors cimport raise_errno, raise_timed_out
from .gil_policy cimport count_hit, count_miss, gil_hold, has_low_water, learn_from_release, may_hold
from .socket_object cimport fd_place, socket

cdef enum:
    NO_WAIT = 3_000            # ns: what a receive takes that finds its data there
    NOT_WATCHED = -0x40000000  # no errno, and no descriptor
    FALSE_WAKEUPS_MOST = 2     # returns of poll() after which the transfer would still block


cdef tuple would_block = (EAGAIN, strerror(EAGAIN))


cdef int raise_would_block() except -1:
    """What raise_errno(-EAGAIN) raises, without making its message anew each time."""
    PyErr_SetObject(BlockingIOError, would_block)
    return -1


cdef inline void start_deadline(int64_t *deadline, int64_t timeout, int64_t now) noexcept:
    """Count *timeout* from *now* on, unless it is counted already; negative, it is without end."""
    if deadline[0] == 0:
        deadline[0] = now + timeout if 0 <= timeout < INT64_MAX - now else INT64_MAX


cdef int wait_for_fd(const int *place, short events, int64_t timeout, int64_t *deadline) except -1:
    """Wait for *events* for at most *timeout* ns, counted from the call's first wait: 1, or 0 late.

    The descriptor's number is read from *place* for every system call. A negative *timeout* is
    without end. A signal's handler runs and may raise; if it does not, the wait goes on towards the
    same deadline (PEP 475).
    """
    return wait(place, NOT_WATCHED, events, timeout, deadline)


cdef int wait_for_watch(const int *place, int watch, int64_t timeout, int64_t *deadline) except -1:
    """As `wait_for_fd`, for anything that has happened since *watch* was opened (ps_watch_open)."""
    return wait(place, watch, 0, timeout, deadline)


cdef int wait(const int *place, int watch, short events, int64_t timeout,
              int64_t *deadline) except -1:
    cdef int fd, ready
    cdef int64_t until, start, end
    start = ps_clock()
    start_deadline(deadline, timeout, start)
    until = deadline[0]
    while True:
        fd = place[0]
        with nogil:
            if watch == NOT_WATCHED:
                ready = ps_wait(fd, events, until)
            else:
                ready = ps_watch_wait(watch, until)
            end = ps_clock()
        learn_from_release(end)
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
    """What `transfer_within` does when its try was not the end of it; *tried* is its result."""
    # The descriptor of a socket that has a timeout, or is non-blocking, cannot block in the kernel.
    cdef bint blocks = timeout < 0 and sock.sock_timeout < 0
    if tried >= 0:
        if blocks and sock.sock_type == SOCK_STREAM and not io.flags & MSG_DONTWAIT:
            return tried + send_the_rest(sock, operation, io, tried)
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
    """Whether a transfer that was not tried, and may not block, is not even tried without the GIL."""
    if timeout == 0:
        return False
    if io.flags & ~PS_TRYABLE_FLAGS:
        return True
    # A receive that holds no GIL because it is large finds its data there as often as not.
    return events == POLLIN and (io.likely <= gil_hold or has_low_water(sock.sock_fd))


cdef ssize_t retry(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                   int64_t *deadline, bint blocks, bint would_block) except -1:
    """Wait and try until the transfer is done. If *blocks*, the system call is the wait."""
    cdef bint tryable = not io.flags & ~PS_TRYABLE_FLAGS
    # MSG_DONTWAIT, for the descriptor may have been made blocking behind Python's back.
    cdef int flags = io.flags | MSG_DONTWAIT if tryable and not blocks else io.flags
    cdef int watch = NOT_WATCHED
    cdef int false_wakeups = 0
    cdef int64_t start, end
    cdef ssize_t n
    cdef int fd
    try:
        while True:
            if would_block and not wait(fd_place(sock), watch, events, timeout, deadline):
                raise_timed_out()
            fd = sock.sock_fd
            if tryable and not blocks and may_hold(io):
                n = operation(fd, io, flags)
            else:
                start = ps_clock() if blocks else 0
                with nogil:
                    n = operation(fd, io, flags)
                    end = ps_clock()
                learn_from_release(end)
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
                if false_wakeups == FALSE_WAKEUPS_MOST and watch == NOT_WATCHED:
                    watch = ps_watch_open(sock.sock_fd, events)
                    would_block = False  # what happened before the watch was there is not reported
    finally:
        if watch != NOT_WATCHED:
            ps_watch_close(watch)


cdef ssize_t send_the_rest(socket sock, ps_transfer operation, ps_io *io, ssize_t sent) except -1:
    """A blocking send of a stream queues everything; the try took only *sent* bytes of it.

    An error or a signal now returns what went out, as the system call would have, and the error is
    the next call's. (AF_UNIX forgets it after a part, so it need not be waited for.) *io* stays as it
    is, a message's iovecs aside: the number that is returned says how far to go on in it.
    """
    cdef ssize_t n = 0
    cdef const int *place = fd_place(sock)
    cdef bint keeps_errors = sock.sock_family != AF_UNIX
    cdef ps_io whole = io[0]  # and not a copy to send from: *io* may be the head of something larger
    ps_io_advance(io, <size_t>sent)
    with nogil:
        if not keeps_errors or ps_wait_room(place[0]):
            n = operation(place[0], io, io.flags)
    io[0] = whole
    return n if n > 0 else 0


cdef int finish_whole(socket sock, ps_transfer operation, ps_io *io, short events, int64_t timeout,
                      int64_t *deadline, ssize_t tried) except -1:
    """What `transfer_whole` does when its try was not the end of it; *tried* is its result."""
    cdef bint blocks = timeout < 0 and sock.sock_timeout < 0
    cdef ssize_t n = tried
    cdef int64_t now
    if events == POLLIN and blocks and sock.sock_family != AF_UNIX:
        # The kernel waits for all of it, and the GIL is wanted back once. A signal, an error and the
        # end make it return what came. AF_UNIX would forget the error by then.
        io.flags |= MSG_WAITALL
    if n < 0:
        n = finish(sock, operation, io, events, timeout, deadline, n)
    while n > 0 or events != POLLIN:
        ps_io_advance(io, <size_t>n)
        if io.len == 0:
            return 1
        io.likely = io.len
        PyErr_CheckSignals()
        # A short transfer took what was there, or sent what there was room for. Now it would block.
        if timeout > 0:
            now = ps_clock()
            start_deadline(deadline, timeout, now)
            if now >= deadline[0]:
                raise_timed_out()
        n = retry(sock, operation, io, events, timeout, deadline, blocks,
                  timeout != 0 and not blocks)
    return 0
