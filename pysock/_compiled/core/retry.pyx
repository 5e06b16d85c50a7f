"""The one wait-and-retry loop, and when the GIL is held.

A transfer is tried first, with MSG_DONTWAIT and with the GIL: a call that can finish at once should
neither poll() before it, as the standard library does under a timeout, nor hand the GIL to a thread
that computes and gives it back 5 ms later. Only a call that cannot finish gives it up and waits.

What comes after the try depends on the timeout, the socket's or the call's own:

* non-blocking: BlockingIOError, after one system call;
* a timeout: poll() until the deadline, try again;
* blocking: the blocking system call itself, not poll(). It honours SO_RCVTIMEO and SO_SNDTIMEO, and
  an O_NONBLOCK that somebody set behind Python's back.

The descriptor is read again after every release of the GIL: another thread may have closed it, and
its number may belong to another file by then.

poll() is no wait where it reports at once, every time, what the transfer has no use for: POLLERR
beside an error queue that nobody reads (completions of zero-copy sends, transmit timestamps, ICMP
errors). After two such reports a watch is waited for instead, which reports only what is new.

A receive that had nothing to take twice running is not tried a third time: the call waits at once,
and the next one is tried again when that wait turns out to have been none.

Nor is one that has SO_RCVLOWAT set: MSG_DONTWAIT takes what is there, however little. The waits know
better.

Holding the GIL is right beside a thread that computes, and wrong beside threads that do what this
one does: while one of them is in the kernel with the GIL, the others could have been there too. Which
it is shows in how long it takes to get the GIL back after a wait. Beside a computing thread that is
the switch interval, milliseconds; beside threads that soon block themselves it is some microseconds;
alone it is nothing. So each wait measures it, and in the second case the GIL is released for every
system call, as the standard library does, until nobody contends for it any more.

A free-threaded interpreter has no GIL to contend for, and nothing is measured. What "with the GIL" is
then is a thread that is attached to the interpreter: it holds up nobody but a garbage collection, for
the microseconds of a try. To wait it detaches, in the same places.
"""

from os import strerror
from sys import getswitchinterval

from cpython.exc cimport PyErr_CheckSignals, PyErr_SetObject
from libc.errno cimport EAGAIN, EINTR
from libc.stdint cimport INT64_MAX, int64_t

from .errors cimport raise_errno, raise_timed_out
from .socket_object cimport fd_place, socket
from .threads cimport HAS_GIL
from ..sys.ps_addr cimport AF_UNIX
from ..sys.ps_io cimport (
    MSG_DONTWAIT, MSG_WAITALL, PS_TRYABLE_FLAGS, ps_io, ps_io_advance, ps_transfer,
)
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport (
    POLLIN, ps_clock, ps_wait, ps_wait_room, ps_watch_close, ps_watch_open, ps_watch_wait,
)

cdef shared_size gil_hold = 16384

cdef enum:
    REGAINED_AT_ONCE = 2_000  # ns: nobody else wanted the GIL
    CONTENDED_CALLS = 1_000   # so many calls without contention make up for one with it
    NO_WAIT = 3_000           # ns: what a receive takes that finds its data there
    NOT_WATCHED = -0x40000000 # no errno, and no descriptor

cdef shared_int contention = 0
cdef object get_switch_interval = getswitchinterval


cdef int regained_gil(int64_t wanted) except -1:
    """Learn from a wait: it was over, and the GIL *wanted*, at that ps_clock()."""
    global contention
    cdef int64_t took
    if not HAS_GIL:
        return 0
    took = ps_clock() - wanted
    if took <= REGAINED_AT_ONCE:
        if contention > 0:
            contention -= 1
    elif took < 1e9 * <double>get_switch_interval():
        contention = CONTENDED_CALLS
    else:
        contention = 0  # somebody computes: the GIL is too dear to give away
    return 0


cdef tuple would_block = (EAGAIN, strerror(EAGAIN))


cdef int raise_would_block() except -1:
    """What raise_errno(-EAGAIN) raises, without making its message anew each time."""
    PyErr_SetObject(BlockingIOError, would_block)
    return -1


def set_gil_hold(Py_ssize_t nbytes, /):
    """Let transfers of up to *nbytes* bytes be tried without releasing the GIL.

    A try never waits, so what it costs other threads is the copy through the kernel: some
    microseconds for the default of 16384 bytes; on a loopback address the receiver's part of the
    network stack runs inside it too. What it saves is a thread that computes taking the GIL for up
    to `sys.getswitchinterval()` at each call. 0 releases the GIL for every call that moves a byte,
    as the standard library does. The setting is the process's. ValueError if *nbytes* is negative.
    """
    global gil_hold
    if nbytes < 0:
        raise ValueError("nbytes must not be negative")
    gil_hold = <size_t>nbytes


def get_gil_hold():
    """The number of bytes that `set_gil_hold()` set: 16384 unless it was called."""
    return gil_hold


cdef inline void begin(int64_t *deadline, int64_t timeout, int64_t now) noexcept:
    """Count *timeout* from *now* on, unless it is counted already; negative, it is without end."""
    if deadline[0] == 0:
        deadline[0] = now + timeout if 0 <= timeout < INT64_MAX - now else INT64_MAX


cdef int wait_on(const int *place, short events, int64_t timeout, int64_t *deadline) except -1:
    """Wait for *events* for at most *timeout* ns, counted from the call's first wait: 1, or 0 late.

    The descriptor's number is read from *place* for every system call. A negative *timeout* is
    without end. A signal's handler runs and may raise; if it does not, the wait goes on towards the
    same deadline (PEP 475).
    """
    return wait(place, NOT_WATCHED, events, timeout, deadline)


cdef int wait_for_news(const int *place, int watch, int64_t timeout, int64_t *deadline) except -1:
    """As `wait_on`, for anything that has happened since *watch* was opened (ps_watch_open)."""
    return wait(place, watch, 0, timeout, deadline)


cdef int wait(const int *place, int watch, short events, int64_t timeout,
              int64_t *deadline) except -1:
    cdef int fd, ready
    cdef int64_t until, begun, over
    begun = ps_clock()
    begin(deadline, timeout, begun)
    until = deadline[0]
    while True:
        fd = place[0]
        with nogil:
            if watch == NOT_WATCHED:
                ready = ps_wait(fd, events, until)
            else:
                ready = ps_watch_wait(watch, until)
            over = ps_clock()
        regained_gil(over)
        if ready > 0:
            if events == POLLIN and over - begun < NO_WAIT:
                forget(&tries_in_vain[<unsigned int>fd % DESCRIPTORS])
            return 1
        if ready == 0:
            if over >= until:
                return 0
        elif ready == -EINTR:
            PyErr_CheckSignals()
        else:
            raise_errno(ready)


cdef ssize_t transfer_slowly(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t timeout, int64_t *deadline, ssize_t tried) except -1:
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
        if events == POLLIN and in_vain(sock)[0] < SELDOM_READY:
            in_vain(sock)[0] += 1
    elif tried != NOT_TRIED:
        raise_errno(tried)
    if blocks:
        return transfer_blocking(sock, operation, io, events)
    return transfer_polling(sock, operation, io, events, timeout, deadline, tried)


cdef ssize_t transfer_blocking(socket sock, ps_transfer operation, ps_io *io,
                               short events) except -1:
    cdef ssize_t n
    cdef int64_t begun, over
    cdef int fd
    while True:
        begun = ps_clock()
        fd = sock.sock_fd
        with nogil:
            n = operation(fd, io, io.flags)
            over = ps_clock()
        regained_gil(over)
        if n >= 0:
            if events == POLLIN and over - begun < NO_WAIT:
                forget(in_vain(sock))
            return n
        if n != -EINTR:
            raise_errno(n)
        PyErr_CheckSignals()


cdef ssize_t transfer_polling(socket sock, ps_transfer operation, ps_io *io, short events,
                              int64_t timeout, int64_t *deadline, ssize_t tried) except -1:
    """A transfer with a timeout (negative: without end), or one that never waits (0)."""
    cdef bint tryable = not io.flags & ~PS_TRYABLE_FLAGS
    # MSG_DONTWAIT, for the descriptor may have been made blocking behind Python's back.
    cdef int flags = io.flags | MSG_DONTWAIT if tryable else io.flags
    cdef bint must_wait = tried == -EAGAIN
    cdef int in_vain_waits = 0
    cdef int64_t over
    cdef ssize_t n
    cdef int fd
    if timeout != 0 and tried == NOT_TRIED:
        # Not even a try without the GIL, where that would be for nothing, too.
        must_wait = not tryable or (events == POLLIN and (io.likely <= gil_hold
                                                          or in_vain(sock)[0] == NEVER_TRIED))
    while True:
        if must_wait and not wait_for(sock, events, timeout, deadline):
            raise_timed_out()
        fd = sock.sock_fd
        if tryable and io.likely <= gil_hold and contention == 0:
            n = operation(fd, io, flags)
        else:
            with nogil:
                n = operation(fd, io, flags)
                over = ps_clock()
            regained_gil(over)
        if n >= 0:
            return n
        if n == -EINTR:
            PyErr_CheckSignals()
        elif n == -EAGAIN and timeout != 0:
            in_vain_waits += must_wait
            if in_vain_waits == 2:
                return transfer_watching(sock, operation, io, flags, events, timeout, deadline)
            must_wait = True
        elif n == -EAGAIN:
            raise_would_block()
        else:
            raise_errno(n)


cdef ssize_t transfer_watching(socket sock, ps_transfer operation, ps_io *io, int flags,
                               short events, int64_t timeout, int64_t *deadline) except -1:
    """Go on with a transfer_polling for which poll() is no wait."""
    cdef int watch = ps_watch_open(sock.sock_fd, events)
    cdef ssize_t n
    cdef int fd
    try:
        while True:
            fd = sock.sock_fd
            with nogil:
                n = operation(fd, io, flags)
            if n >= 0:
                return n
            if n == -EINTR:
                PyErr_CheckSignals()
            elif n != -EAGAIN:
                raise_errno(n)
            elif not wait_for_news(fd_place(sock), watch, timeout, deadline):
                raise_timed_out()
    finally:
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


cdef int transfer_rest(socket sock, ps_transfer operation, ps_io *io, short events,
                       int64_t timeout, int64_t *deadline, ssize_t tried) except -1:
    """What `transfer_whole` does when its try was not the end of it; *tried* is its result."""
    cdef ssize_t n = tried
    cdef int64_t now
    if events == POLLIN and timeout < 0 and sock.sock_timeout < 0 and sock.sock_family != AF_UNIX:
        # The kernel waits for all of it, and the GIL is wanted back once. A signal, an error and the
        # end make it return what came. AF_UNIX would forget the error by then.
        io.flags |= MSG_WAITALL
    if n < 0:
        n = transfer_slowly(sock, operation, io, events, timeout, deadline, n)
    while n > 0 or events != POLLIN:
        ps_io_advance(io, <size_t>n)
        if io.len == 0:
            return 1
        io.likely = io.len
        PyErr_CheckSignals()
        # Short: what was there is taken, what fitted is sent. The rest has to be waited for.
        if timeout > 0:
            now = ps_clock()
            begin(deadline, timeout, now)
            if now >= deadline[0]:
                raise_timed_out()
        if timeout < 0 and sock.sock_timeout < 0:
            n = transfer_blocking(sock, operation, io, events)
        else:
            n = transfer_polling(sock, operation, io, events, timeout, deadline,
                                 NOT_TRIED if timeout == 0 else -EAGAIN)
    return 0
