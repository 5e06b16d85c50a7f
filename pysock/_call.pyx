"""The one wait-and-retry loop, and how long the GIL may be held.

A transfer is tried first, with MSG_DONTWAIT and with the GIL: a call that can finish at once should
neither poll() before it, as the standard library does under a timeout, nor hand the GIL to a thread
that computes and gives it back 5 ms later. Only a call that cannot finish gives it up and waits.

What comes after the try depends on the socket's timeout:

* non-blocking: BlockingIOError, after one system call;
* a timeout: poll() until the deadline, try again;
* blocking: the blocking system call itself, not poll(). It honours SO_RCVTIMEO and SO_SNDTIMEO, and
  an O_NONBLOCK that somebody set behind Python's back.

The descriptor is read again after every release of the GIL: another thread may have closed it, and
its number may belong to another file by then.
"""

from os import strerror

from cpython.exc cimport PyErr_CheckSignals, PyErr_SetObject
from libc.errno cimport EAGAIN, EINTR
from libc.stdint cimport int64_t

from ._errors cimport raise_errno, raise_timed_out
from ._sockobject cimport socket
from .ps_io cimport MSG_DONTWAIT, PS_TRYABLE_FLAGS, ps_io, ps_io_advance, ps_transfer
from .ps_socket cimport SOCK_STREAM
from .ps_wait cimport POLLOUT, ps_clock, ps_wait

cdef size_t gil_hold = 16384

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


cdef int wait_for(socket sock, short events, int64_t timeout, int64_t *deadline) except -1:
    """Wait for *events* for at most *timeout* ns, counted from the call's first wait: 1, or 0 late.

    A signal's handler runs and may raise; if it does not, the wait goes on towards the same
    deadline (PEP 475).
    """
    cdef int fd, ready
    cdef int64_t until
    if deadline[0] == 0:
        deadline[0] = ps_clock() + timeout
    until = deadline[0]
    while True:
        fd = sock.sock_fd
        with nogil:
            ready = ps_wait(fd, events, until)
        if ready > 0:
            return 1
        if ready == 0:
            if ps_clock() >= until:
                return 0
        elif ready == -EINTR:
            PyErr_CheckSignals()
        else:
            raise_errno(ready)


cdef ssize_t transfer_slowly(socket sock, ps_transfer operation, ps_io *io, short events,
                             int64_t *deadline, ssize_t tried) except -1:
    """What `transfer` does when its try was not the end of it; *tried* is the try's result."""
    cdef int64_t timeout = sock.sock_timeout
    if tried >= 0:
        if timeout < 0 and sock.sock_type == SOCK_STREAM:
            return tried + send_the_rest(sock, operation, io, tried)
        return tried
    if tried == -EINTR:
        PyErr_CheckSignals()
    elif tried == -EAGAIN:
        if timeout == 0:
            raise_would_block()
    elif tried != NOT_TRIED:
        raise_errno(tried)
    if timeout < 0:
        return transfer_blocking(sock, operation, io)
    return transfer_polling(sock, operation, io, events, timeout, deadline, tried == -EAGAIN)


cdef ssize_t transfer_blocking(socket sock, ps_transfer operation, ps_io *io) except -1:
    cdef ssize_t n
    cdef int fd
    while True:
        fd = sock.sock_fd
        with nogil:
            n = operation(fd, io, io.flags)
        if n >= 0:
            return n
        if n != -EINTR:
            raise_errno(n)
        PyErr_CheckSignals()


cdef ssize_t transfer_polling(socket sock, ps_transfer operation, ps_io *io, short events,
                              int64_t timeout, int64_t *deadline, bint must_wait) except -1:
    """A transfer of a socket with a timeout, or of a non-blocking one (*timeout* 0)."""
    cdef bint may_try = not io.flags & ~PS_TRYABLE_FLAGS
    cdef bint held = may_try and io.likely <= gil_hold
    # MSG_DONTWAIT, for the descriptor may have been made blocking behind Python's back.
    cdef int flags = io.flags | MSG_DONTWAIT if may_try else io.flags
    cdef ssize_t n
    cdef int fd
    if not may_try and timeout > 0:
        must_wait = True
    while True:
        if must_wait and not wait_for(sock, events, timeout, deadline):
            raise_timed_out()
        fd = sock.sock_fd
        if held:
            n = operation(fd, io, flags)
        else:
            with nogil:
                n = operation(fd, io, flags)
        if n >= 0:
            return n
        if n == -EINTR:
            PyErr_CheckSignals()
        elif n == -EAGAIN and timeout > 0:
            must_wait = True
        elif n == -EAGAIN:
            raise_would_block()
        else:
            raise_errno(n)


cdef ssize_t send_the_rest(socket sock, ps_transfer operation, ps_io *io, ssize_t sent) except -1:
    """A blocking send of a stream queues everything; the try took only *sent* bytes of it.

    An error or a signal now returns what went out, as the system call would have.
    """
    cdef ssize_t n
    cdef int fd = sock.sock_fd
    ps_io_advance(io, <size_t>sent)
    with nogil:
        n = operation(fd, io, io.flags)
    return n if n > 0 else 0
