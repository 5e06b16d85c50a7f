"""Sends that the kernel makes from the caller's memory: send_zerocopy, zerocopy_pending, reap_zerocopy.

Each public function is a method: _accelerated.py lists it in `socket`. What is pending, and how it
is heard that it no longer is, is in _pending.pyx.
"""

cimport cython

from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t

from ..._shared.results import Reaped
from .transfer import send as send_copying

from ..core.retry cimport transfer, wait_for_watch
from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from ..core.errors cimport raise_errno, raise_timed_out
from .zerocopy_pending cimport HeldBuffer, Sends, count_sends, counted, sends_of
from ..core.arguments cimport as_int
from ..core.socket_object cimport fd_ptr_of, socket
from ..sys.ps_io cimport PS_TRYABLE_FLAGS
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport POLLOUT, ps_watch_close, ps_watch_open
from ..sys.ps_zerocopy cimport MSG_ZEROCOPY, ps_send_zerocopy, ps_zerocopy_send


def send_zerocopy(socket self not None, buffer, flags=0):
    """send_zerocopy(buffer[, flags]) -> number of bytes sent

    Send bytes as `send` does, without copying them where the kernel can (MSG_ZEROCOPY; source:
    msg_zerocopy.rst in the kernel's documentation). It goes on reading *buffer* after the call has
    returned: the buffer is held, and may not be changed, until `reap_zerocopy` or
    `zerocopy_pending` has heard that it is done. For a buffer from 10 KiB up, through a real device:
    to loopback the kernel copies all the same, and the notices come on top.

    A plain `send`, with nothing pending, where the socket, the kernel, a flag or the memory allows
    no more: AF_UNIX, TLS, SO_ZEROCOPY set by other hands, or more memory pinned than the system
    allows (optmem_max, RLIMIT_MEMLOCK). Nobody else may send with MSG_ZEROCOPY on the socket. Raises
    what `send` raises; then nothing is pending.
    """
    cdef int c_flags = as_int(flags) & ~MSG_ZEROCOPY
    cdef int64_t deadline = 0
    cdef ps_zerocopy_send job
    cdef Sends sends = None
    cdef HeldBuffer held
    cdef ssize_t n
    if type(self).send is send_copying and not c_flags & ~PS_TRYABLE_FLAGS:
        held = HeldBuffer()
        held.acquire(buffer)
        if held.view.len > 0:
            sends = count_sends(self)
    if sends is None:
        return self.send(buffer, c_flags)
    job.io.buf = held.view.buf
    job.io.len = job.io.likely = <size_t>held.view.len
    job.io.name = NULL
    job.io.namelen = 0
    job.io.msg = NULL
    job.io.flags = c_flags
    job.fd_ptr = fd_ptr_of(self)
    job.counter = &sends.counter
    job.is_stream = self.sock_type == SOCK_STREAM
    job.copies = job.no_memory = job.numbered = False
    sends.in_flight.add(held)
    try:
        try:
            n = transfer(self, ps_send_zerocopy, &job.io, POLLOUT, &deadline)
        except OSError:
            if not job.no_memory:
                raise
            n = -1
        if n < 0:
            sends.drain(self)  # each send, and each notice that nobody took, counts
            job.copies = True
            n = transfer(self, ps_send_zerocopy, &job.io, POLLOUT, &deadline)
    finally:
        sends.finish(held, &job)
    return n


def zerocopy_pending(socket self not None, /):
    """zerocopy_pending() -> number of sends

    How many sends of `send_zerocopy` still hold their buffer, once what the kernel has told by now
    has been taken notice of. Raises OSError when the socket is closed.
    """
    cdef Sends sends = sends_of(self)
    if sends is None:
        return 0
    sends.add_owner(self)
    sends.drain(self)
    return len(sends.pending)


cdef int wait_for_all(socket sock, Sends sends, Deadline until) except -1:
    cdef int watch = ps_watch_open(sock.sock_fd, 0)
    try:
        while True:
            sends.drain(sock)
            if not sends.pending or sends.foreign:
                return 0
            if not wait_for_watch(fd_ptr_of(sock), watch, until.timeout, &until.at):
                raise_timed_out()
    finally:
        ps_watch_close(watch)


cdef object report(Sends sends):
    with cython.critical_section(counted):
        completed, sends.completed = sends.completed, 0
        copied, sends.copied = sends.copied, 0
    return Reaped(completed, copied)


def reap_zerocopy(socket self not None, timeout=NOT_GIVEN, deadline=None):
    """reap_zerocopy([timeout][, deadline]) -> (completed, copied)

    Wait until the kernel is done with every send of `send_zerocopy`, and let go of their buffers.
    *completed* is how many sends that were, since the last such result; *copied* how many of these
    the kernel copied after all (SO_EE_CODE_ZEROCOPY_COPIED): then it was for nothing.

    *timeout*, in seconds or None, or *deadline*, a `time.monotonic()`, is for this call; without them
    it is the socket's timeout. TimeoutError when it is over and a send is pending: the next result
    counts what was done. A non-blocking socket returns what is done by now; BlockingIOError if that
    is none, and a send is pending. RuntimeError where somebody else sent with MSG_ZEROCOPY on this
    socket: then what is pending is held for good.

    While notices are waiting, poll() and its kin report an error on the socket (POLLERR). ICMP errors
    and transmit timestamps that come with them are kept for `recvmsg`, `recv` and their kin with
    MSG_ERRQUEUE; not for batch calls.
    """
    cdef Deadline until = deadline_of(self, timeout, deadline)
    cdef Sends sends = sends_of(self)
    if sends is None:
        return Reaped(0, 0)
    sends.add_owner(self)
    sends.drain(self)
    if sends.pending and until.timeout != 0:
        wait_for_all(self, sends, until)
    if sends.foreign and sends.pending:
        raise RuntimeError(
            "somebody else sent with MSG_ZEROCOPY on this socket: which sends are done is not known")
    if sends.pending and sends.completed == 0:
        raise_errno(-EAGAIN)
    return report(sends)
