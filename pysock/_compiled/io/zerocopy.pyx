"""Zero-copy sends: send_zerocopy, zerocopy_pending, reap_zerocopy.

Each public function is a method: _compiled/socket.py lists it in `socket`. zerocopy_pending.pyx keeps
the pending sends, and reads from the error queue which of them are done.
"""

cimport cython

from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t

from ..._shared.results import Reaped

from ..core.retry cimport transfer, wait_for_watch
from ..core.deadline cimport Deadline, deadline_of
from ..core.errors cimport raise_errno, raise_timed_out
from .zerocopy_pending cimport (
    HeldBuffer, Sends, find_or_make_sends, find_sends, sends_by_cookie,
)
from ..core.arguments cimport as_int
from ..core.socket_class cimport overrides
from ..core.socket_object cimport fd_ptr_of, socket
from ..sys.ps_io cimport PS_TRYABLE_FLAGS
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport POLLOUT, ps_watch_close, ps_watch_open
from ..sys.ps_zerocopy cimport MSG_ZEROCOPY, ps_send_zerocopy, ps_zerocopy_send


cdef int wait_for_all(socket sock, Sends sends, Deadline until) except -1:
    """Wait until no send is pending, or until sends of other code make that unknown."""
    cdef int watch = ps_watch_open(sock.sock_fd, 0)
    try:
        while True:
            sends.drain_error_queue(sock)
            if not sends.pending or sends.has_foreign:
                return 0
            if not wait_for_watch(fd_ptr_of(sock), watch, until.timeout, &until.at):
                raise_timed_out()
    finally:
        ps_watch_close(watch)


cdef object report(Sends sends):
    """The counts since the last report, which are 0 afterwards."""
    with cython.critical_section(sends_by_cookie):
        completed, sends.completed = sends.completed, 0
        copied, sends.copied = sends.copied, 0
    return Reaped(completed, copied)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def send_zerocopy(self, buffer, flags=0):
        """send_zerocopy(buffer[, flags]) -> number of bytes sent

        Send bytes as `send` does, but without copying them where the kernel can do that (MSG_ZEROCOPY;
        source: msg_zerocopy.rst in the kernel's documentation). The kernel reads *buffer* even after the
        call has returned. So the buffer stays acquired, and must not be changed, until `reap_zerocopy` or
        `zerocopy_pending` has received the notice that the send is done. This is worth its cost for
        buffers of 10 KiB and more that leave through a real device. For loopback the kernel copies all the
        same, and the notices are an additional cost.

        The call is a plain `send`, and leaves nothing pending, where no zero-copy send is possible: for
        AF_UNIX, TLS, a flag or a kernel that does not allow it, a socket whose SO_ZEROCOPY other code has
        set, and where more memory would be pinned than the system allows (optmem_max, RLIMIT_MEMLOCK). No
        other code may send with MSG_ZEROCOPY on the socket. Raises what `send` raises; then nothing is
        pending of this call.
        """
        cdef int c_flags = as_int(flags) & ~MSG_ZEROCOPY
        cdef int64_t deadline = 0
        cdef ps_zerocopy_send job
        cdef Sends sends = None
        cdef HeldBuffer held
        cdef ssize_t n
        if not overrides(self, "send") and not c_flags & ~PS_TRYABLE_FLAGS:
            held = HeldBuffer()
            held.acquire(buffer)
            if held.view.len > 0:
                sends = find_or_make_sends(self)
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
                # Pending sends and unread notices count towards the limit (ENOBUFS). So read the notices,
                # and try again, with a copy if it has to be.
                sends.drain_error_queue(self)
                job.copies = True
                n = transfer(self, ps_send_zerocopy, &job.io, POLLOUT, &deadline)
        finally:
            sends.finish_send(held, &job)
        return n

    def zerocopy_pending(self, /):
        """zerocopy_pending() -> number of sends

        The number of sends of `send_zerocopy` whose buffer is still acquired. The call first reads all
        notices that the kernel has queued, and releases the buffers of the sends that are done. Raises
        OSError when the socket is closed.
        """
        cdef Sends sends = find_sends(self)
        if sends is None:
            return 0
        sends.add_owner(self)
        sends.drain_error_queue(self)
        return len(sends.pending)

    def reap_zerocopy(self, timeout=..., deadline=None):
        """reap_zerocopy([timeout][, deadline]) -> (completed, copied)

        Wait until the kernel is done with every send of `send_zerocopy`, and release their buffers.
        *completed* is how many sends are done since the last result. *copied* is how many of these the
        kernel has copied all the same (SO_EE_CODE_ZEROCOPY_COPIED): for them `send` would have been
        faster.

        *timeout*, in seconds or None (no limit), or *deadline*, a `time.monotonic()`, is for this call.
        Without them the socket's timeout is used. Raises TimeoutError when the time is over and a send is
        pending; the next result includes the sends that are done. On a non-blocking socket the call does
        not wait: it raises BlockingIOError if no send is done and one is pending. Raises RuntimeError if
        other code has sent with MSG_ZEROCOPY on this socket: the buffers of the pending sends are then
        never released. Raises OSError when the socket is closed.

        While notices are in the error queue, poll(), select() and epoll report an error on the socket
        (POLLERR). ICMP errors and transmit timestamps from the same queue are kept for `recvmsg`, `recv`
        and the other single receives with MSG_ERRQUEUE, but not for batch calls.
        """
        cdef Deadline until = deadline_of(self, timeout, deadline)
        cdef Sends sends = find_sends(self)
        if sends is None:
            return Reaped(0, 0)
        sends.add_owner(self)
        sends.drain_error_queue(self)
        if sends.pending and until.timeout != 0:
            wait_for_all(self, sends, until)
        if sends.has_foreign and sends.pending:
            raise RuntimeError(
                "somebody else sent with MSG_ZEROCOPY on this socket: which sends are done is not known")
        if sends.pending and sends.completed == 0:
            raise_errno(-EAGAIN)
        return report(sends)
