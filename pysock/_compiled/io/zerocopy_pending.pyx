"""Zero-copy sends that are not done: whose they are, what they hold, and what tells of their end.

csrc/ps_zerocopy.c counts the sends of a socket as the kernel numbers them; here their buffers are
held until the error queue has told that the kernel is done with them.

What is pending belongs to the kernel's socket, not to the Python object: it is found by the kernel's
cookie. So two objects made by dup() share it, a socket that goes through detach() takes it along, and
a descriptor's number that was given away again brings nothing with it. When the socket is closed its
error queue is gone, but the kernel may go on sending for minutes; memory that was freed and used
again would change what arrives. Then the buffers are held for good.

A message of the error queue cannot be looked at without taking it. Those that are somebody else's
(ICMP errors, transmit timestamps) are kept for whoever receives with MSG_ERRQUEUE, and are given out
in their order before the kernel is asked; and a notice that such a call takes is noted here before it
is handed on.

All of it is under one critical section, that of `counted`: what is done without waiting is done before
another thread comes, as beside a GIL.
"""

import os
import sys
from functools import partial
from _weakref import ref as reference

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EBADF
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from ..._shared import original

from ..core.retry cimport transfer
from ..core.errors cimport raise_errno
from ..core.socket_object cimport socket
from ..core.threads cimport get
from ..sys.ps_addr cimport AF_INET, AF_INET6, ps_sockaddr, socklen_t
from ..sys.ps_errqueue cimport (
    PS_ERROR_CONTROL, ps_error, ps_error_control, ps_error_take, ps_message, ps_message_control,
    ps_message_give,
)
from ..sys.ps_batch cimport ps_inbox
from ..sys.ps_io cimport iovec, msghdr, ps_io, ps_recvmsg
from ..sys.ps_socket cimport IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM
from ..sys.ps_wait cimport POLLIN
from ..sys.ps_zerocopy cimport (
    ps_notice, ps_notice_parse, ps_range_overlap, ps_zerocopy_cookie, ps_zerocopy_forsake,
    ps_zerocopy_free, ps_zerocopy_init, ps_zerocopy_is_on, ps_zerocopy_issued, ps_zerocopy_send,
)


cdef enum:
    KEPT_MOST = 256  # messages of others; the kernel drops, too, what its queue has no room for

cdef object get_frame = sys._getframe
cdef object socket_file = original.socket.close.__code__.co_filename

cdef dict counted = {}
cdef dict owners = {}

cdef ps_error taken  # a message, from one line to the next: nobody else is in the critical section


cdef class HeldBuffer:
    """The memory of one send's buffer, and how much of the send is not done."""

    def __dealloc__(self):
        if self.acquired:
            PyBuffer_Release(&self.view)

    cdef int acquire(self, object buffer) except -1:
        PyObject_GetBuffer(buffer, &self.view, PyBUF_SIMPLE)
        self.acquired = True
        return 0

    cdef bint is_done_by(self, const ps_notice *notice) noexcept:
        cdef uint32_t done = ps_range_overlap(self.numbers, notice.numbers)
        if done == 0:
            return False
        self.left -= min(done, self.left)
        self.copied = self.copied or notice.copied
        return self.left == 0


cdef class Notice:
    """A notice that came while a call was sending: it may be about that one."""
    cdef ps_notice it


cdef class Message:
    """A message of the error queue that is not about zero-copy sends."""
    cdef bytes data
    cdef bytes control
    cdef ps_sockaddr name
    cdef socklen_t namelen
    cdef int flags

    cdef ssize_t give(self, msghdr *msg) noexcept:
        cdef ps_message message
        message.data = PyBytes_AS_STRING(self.data)
        message.len = <size_t>PyBytes_GET_SIZE(self.data)
        message.control = PyBytes_AS_STRING(self.control)
        message.controllen = <size_t>PyBytes_GET_SIZE(self.control)
        message.name = &self.name
        message.namelen = self.namelen
        message.flags = self.flags
        return ps_message_give(&message, msg)


cdef Message taken_message(ssize_t size):
    cdef Message message = Message.__new__(Message)
    message.data = PyBytes_FromStringAndSize(taken.data, size)
    message.control = PyBytes_FromStringAndSize(
        taken.control.bytes, <Py_ssize_t>taken.msg.msg_controllen)
    message.name = taken.name
    message.namelen = taken.msg.msg_namelen
    message.flags = taken.msg.msg_flags
    return message


cdef class Sends:
    """The zero-copy sends of one socket of the kernel's."""

    def __cinit__(self):
        self.objects = set()
        self.in_flight = set()
        self.pending = []
        self.early = []
        self.others = []

    def __dealloc__(self):
        if self.counting:
            ps_zerocopy_free(&self.counter)

    cdef int finish(self, HeldBuffer held, const ps_zerocopy_send *job) except -1:
        """The call that *held* is for is over."""
        cdef Notice notice
        cdef bint done = False
        cdef list released
        with cython.critical_section(counted):
            if job.numbered:
                held.numbers = job.numbers
                held.left = job.numbers.last - job.numbers.first + 1
                self.pending.append(held)  # before it leaves the other list: whatever fails, it is held
                for notice in self.early:
                    done = held.is_done_by(&notice.it) or done
            self.in_flight.discard(held)
            if not self.in_flight:
                del self.early[:]
            released = self.settle() if done else None
            self.drop_if_unused()
        return 0

    cdef list settle(self):
        """Count the pending ones that are done; return them, for the caller to let go of at its end.

        That may run Python code: the buffers are somebody's.
        """
        cdef HeldBuffer held
        cdef list left = []
        cdef list done = []
        for held in self.pending:
            (left if held.left else done).append(held)
            if not held.left:
                self.completed += 1
                self.copied += held.copied
        self.pending[:] = left
        return done

    cdef list apply(self, const ps_notice *came):
        """Take notice; return the sends that are done by it."""
        cdef Notice notice
        cdef HeldBuffer held
        cdef bint done = False
        if not ps_zerocopy_issued(&self.counter, came.numbers):
            self.foreign = True
            self.counter.lost = True
        if self.foreign:
            return None
        if self.in_flight:
            notice = self.early[len(self.early) - 1] if self.early else None
            if (notice is not None and came.copied == notice.it.copied
                    and came.numbers.first == <uint32_t>(notice.it.numbers.last + 1)):
                notice.it.numbers.last = came.numbers.last
            else:
                notice = Notice.__new__(Notice)
                notice.it = came[0]
                self.early.append(notice)
        for held in self.pending:
            done = held.is_done_by(came) or done
        return self.settle() if done else None

    cdef int drain(self, socket sock) except -1:
        """Take what the error queue has, without waiting, as long as a send is pending."""
        cdef ps_notice notice
        cdef ssize_t n
        cdef list released = []
        with cython.critical_section(counted):
            while self.pending and not self.foreign:
                n = ps_error_take(sock.sock_fd, &taken)
                if n == -EAGAIN:
                    break
                if n < 0:
                    raise_errno(n)
                if ps_notice_parse(&taken.msg, &notice):
                    released.append(self.apply(&notice))
                elif len(self.others) < KEPT_MOST:
                    self.others.append(taken_message(n))
        return 0

    cdef int add_owner(self, socket sock) except -1:
        """Stay for as long as *sock* lives."""
        cdef object key = id(sock)
        with cython.critical_section(counted):
            if key not in self.objects:
                remove_owner(key)
                owners[key] = reference(sock, partial(remove_owner, key)), self
                self.objects.add(key)
        return 0

    cdef int drop_if_unused(self) except -1:
        with cython.critical_section(counted):
            if not (self.objects or self.pending or self.in_flight):
                counted.pop(self.cookie, None)
        return 0


def remove_owner(key, _=None):
    """The socket object with that id is gone, closed, or has another socket of the kernel's."""
    cdef Sends sends
    with cython.critical_section(counted):
        entry = owners.pop(key, None)
        if entry is not None:
            sends = entry[1]
            sends.objects.discard(key)
            sends.drop_if_unused()


def forsake_all():
    """In the child of a fork: the sends, and their notices, are the parent's."""
    for sends in counted.values():
        ps_zerocopy_forsake(&(<Sends>sends).counter)
    counted.clear()
    owners.clear()


os.register_at_fork(after_in_child=forsake_all)


def sockets_remembered():
    """How many sockets of the kernel's are remembered here."""
    return len(counted)


cdef Sends sends_of(socket sock):
    """The Sends of the kernel's socket, or None; OSError if it is closed."""
    cdef uint64_t cookie = 0
    cdef int n
    if counted or sock.sock_fd < 0:
        n = ps_zerocopy_cookie(sock.sock_fd, &cookie)
        if n == -EBADF:
            raise_errno(n)
        if n == 0:
            return get(counted, cookie)
    return None


cdef bint is_tcp_or_udp(socket sock) noexcept:
    cdef int proto = sock.sock_proto
    if sock.sock_family != AF_INET and sock.sock_family != AF_INET6:
        return False
    return (sock.sock_type == SOCK_STREAM and (proto == 0 or proto == IPPROTO_TCP)
            or sock.sock_type == SOCK_DGRAM and (proto == 0 or proto == IPPROTO_UDP))


cdef Sends count_sends(socket sock):
    """The Sends for a send of *sock*; None where that has to copy."""
    cdef uint64_t cookie = 0
    cdef Sends sends
    if not is_tcp_or_udp(sock) or ps_zerocopy_cookie(sock.sock_fd, &cookie) < 0:
        return None
    with cython.critical_section(counted):
        sends = get(counted, cookie)
        if sends is None:
            sends = Sends()
            if not ps_zerocopy_init(&sends.counter, sock.sock_fd, cookie):
                return None
            sends.counting = True
            sends.cookie = cookie
            counted[cookie] = sends
        sends.add_owner(sock)
        return sends


cdef bint copies_always(socket sock) except -1:
    """Whether send_zerocopy of *sock* is known to copy, whatever the kernel can do."""
    cdef Sends sends
    if not is_tcp_or_udp(sock) or sock.sock_fd < 0:
        return True
    sends = sends_of(sock)
    return sends.counter.lost if sends is not None else ps_zerocopy_is_on(sock.sock_fd)


cdef Py_ssize_t close_owner(socket sock) except -1:
    """Before *sock* is closed: how many of its sends nobody can reap any more."""
    cdef object key = id(sock)
    cdef Sends sends
    entry = get(owners, key)
    if entry is None:
        return 0
    sends = entry[1]
    try:
        if sends is sends_of(sock):
            sends.drain(sock)
    except OSError:
        pass  # what is wrong with the descriptor, close() will say
    remove_owner(key)
    return 0 if sends.objects else len(sends.pending)


cdef int warn_of_pending(object sock, Py_ssize_t pending) except -1:
    import warnings

    level, frame = 1, get_frame()
    while frame is not None and frame.f_code.co_filename == socket_file:  # __exit__, makefile
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"{sock!r} was closed with {pending} zero-copy sends pending: their buffers are held for "
        "good. Call reap_zerocopy() first.", ResourceWarning, level, sock)
    return 0


cdef ssize_t receive_plain_error(socket sock, ps_io *io) except -1:
    """recvfrom(2) with MSG_ERRQUEUE."""
    cdef msghdr msg
    cdef iovec iov
    cdef ssize_t n
    memset(&msg, 0, sizeof(msg))
    iov.iov_base = io.buf
    iov.iov_len = io.len
    msg.msg_iov = &iov
    msg.msg_iovlen = 1
    msg.msg_name = io.name
    msg.msg_namelen = <socklen_t>(sizeof(ps_sockaddr) if io.name != NULL else 0)
    io.msg = &msg
    n = receive_error(sock, io)
    io.namelen = msg.msg_namelen
    return n


cdef int note_messages(socket sock, const ps_inbox *inbox) except -1:
    """Take notice of what a batch took from the error queue. It has nothing of what was kept."""
    cdef ps_notice notice
    cdef size_t i
    cdef list released = []
    cdef Sends sends = sends_of(sock)
    if sends is None:
        return 0
    with cython.critical_section(counted):
        for i in range(inbox.came):
            if ps_notice_parse(&inbox.headers[i].msg_hdr, &notice):
                released.append(sends.apply(&notice))
    return 0


cdef ssize_t receive_error(socket sock, ps_io *io) except -1:
    """recvmsg(2) with MSG_ERRQUEUE."""
    cdef ps_error_control control
    cdef ps_notice notice
    cdef msghdr *msg = io.msg
    cdef void *wanted = msg.msg_control
    cdef size_t room = msg.msg_controllen
    cdef size_t came
    cdef int64_t deadline = 0
    cdef ssize_t n
    cdef list released
    cdef Sends sends = sends_of(sock)
    if sends is None:
        return transfer(sock, ps_recvmsg, io, POLLIN, &deadline)
    with cython.critical_section(counted):
        kept = sends.others.pop(0) if sends.others else None
    if kept is not None:
        return (<Message>kept).give(msg)
    if room < PS_ERROR_CONTROL:  # for a notice that is cut would be lost
        msg.msg_control = control.bytes
        msg.msg_controllen = PS_ERROR_CONTROL
    n = transfer(sock, ps_recvmsg, io, POLLIN, &deadline)
    with cython.critical_section(counted):
        released = sends.apply(&notice) if ps_notice_parse(msg, &notice) else None
    if room < PS_ERROR_CONTROL:
        came = msg.msg_controllen
        msg.msg_control = wanted
        msg.msg_controllen = room
        ps_message_control(msg, control.bytes, came)
    return n
