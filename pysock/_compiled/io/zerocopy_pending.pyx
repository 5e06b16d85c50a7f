"""Zero-copy sends that are pending: their buffers, and the notices that they are done.

csrc/ps_zerocopy.c counts the sends of a socket in the same way as the kernel numbers them. This module
keeps their buffers acquired until a notice from the error queue says that the kernel is done with them.

Pending sends belong to the kernel's socket, not to the Python object. They are found by SO_COOKIE. So
two objects made by dup() share them, a socket keeps them through detach(), and a descriptor's number
that is given to another socket has none. The error queue does not survive the close of the socket, but
the kernel may go on sending for minutes. If the memory were freed and used again, the peer would
receive its new contents. So after a close the buffers are never released.

The kernel removes a message from the error queue when it is received. Messages of other kinds (ICMP
errors, transmit timestamps) are therefore kept. A call with MSG_ERRQUEUE gets them first, in their
order, and then asks the kernel. If such a call receives a notice, the notice is applied here before the
call returns it.

All functions use one critical section, that of `sends_by_cookie`. As with a GIL, no other thread comes
between their steps, except while they wait.
"""

import os
import sys
from functools import partial
from _weakref import ref as reference

# It is in C, and is there without the module `warnings`: nothing is imported within a call.
from _warnings import warn

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.errno cimport EAGAIN, EBADF
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

from ..._shared import original

from ..core.retry cimport transfer
from ..core.errors cimport raise_errno
from ..core.socket_class cimport module_file
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
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
    MAX_MESSAGES = 256  # of other kinds; more are dropped, as by the kernel where its queue is full

cdef object get_frame = sys._getframe
cdef object socket_file = original.socket.close.__code__.co_filename

cdef dict sends_by_cookie = {}
cdef dict owners = {}

cdef ps_error received  # the last message of drain_error_queue; only used in the critical section


cdef class HeldBuffer:
    """The buffer of one call of send_zerocopy. It is released when this object is deallocated."""

    def __dealloc__(self):
        if self.acquired:
            PyBuffer_Release(&self.view)

    cdef int acquire(self, object buffer) except -1:
        PyObject_GetBuffer(buffer, &self.view, PyBUF_SIMPLE)
        self.acquired = True
        return 0

    cdef bint apply(self, const ps_notice *notice) noexcept:
        """Apply *notice*; return whether the whole send is done by it."""
        cdef uint32_t done = ps_range_overlap(self.numbers, notice.numbers)
        if done == 0:
            return False
        self.not_done -= min(done, self.not_done)
        self.copied = self.copied or notice.copied
        return self.not_done == 0


cdef class Notice:
    """A notice that came while a call was in flight. It may be about that call."""
    cdef ps_notice parsed


cdef class Message:
    """A message of the error queue that is no notice of zero-copy sends."""
    cdef bytes data
    cdef bytes control
    cdef ps_sockaddr name
    cdef socklen_t namelen
    cdef int flags

    cdef ssize_t deliver(self, msghdr *msg) noexcept:
        """Fill *msg* as recvmsg(2) does."""
        cdef ps_message message
        message.data = PyBytes_AS_STRING(self.data)
        message.len = <size_t>PyBytes_GET_SIZE(self.data)
        message.control = PyBytes_AS_STRING(self.control)
        message.controllen = <size_t>PyBytes_GET_SIZE(self.control)
        message.name = &self.name
        message.namelen = self.namelen
        message.flags = self.flags
        return ps_message_give(&message, msg)


cdef Message copy_received(ssize_t size):
    """A copy of `received`, whose data has *size* bytes."""
    cdef Message message = Message.__new__(Message)
    message.data = PyBytes_FromStringAndSize(received.data, size)
    message.control = PyBytes_FromStringAndSize(
        received.control.bytes, <Py_ssize_t>received.msg.msg_controllen)
    message.name = received.name
    message.namelen = received.msg.msg_namelen
    message.flags = received.msg.msg_flags
    return message


cdef class Sends:
    """The zero-copy sends of one kernel socket."""

    def __cinit__(self):
        self.owner_ids = set()
        self.in_flight = set()
        self.pending = []
        self.notices = []
        self.messages = []

    def __dealloc__(self):
        if self.has_counter:
            ps_zerocopy_free(&self.counter)

    cdef int finish_send(self, HeldBuffer held, const ps_zerocopy_send *job) except -1:
        """Put *held* among the pending sends, if its call has made a zero-copy send.

        The notice may have come before the call returned. So the notices since then are applied.
        """
        cdef Notice notice
        cdef bint done = False
        cdef list released
        with cython.critical_section(sends_by_cookie):
            if job.numbered:
                held.numbers = job.numbers
                held.not_done = job.numbers.last - job.numbers.first + 1
                self.pending.append(held)  # before it leaves in_flight, so that an error cannot free it
                for notice in self.notices:
                    done = held.apply(&notice.parsed) or done
            self.in_flight.discard(held)
            if not self.in_flight:
                del self.notices[:]
            released = self.pop_done() if done else None
            self.drop_if_unused()
        return 0

    cdef list pop_done(self):
        """Remove and count the pending sends that are done, and return them.

        The caller drops the list at its end. That releases the buffers, which may run Python code.
        """
        cdef HeldBuffer held
        cdef list not_done = []
        cdef list done = []
        for held in self.pending:
            (not_done if held.not_done else done).append(held)
            if not held.not_done:
                self.completed += 1
                self.copied += held.copied
        self.pending[:] = not_done
        return done

    cdef list apply(self, const ps_notice *notice):
        """Apply *notice*; return the sends that are done by it."""
        cdef Notice last
        cdef HeldBuffer held
        cdef bint done = False
        if not ps_zerocopy_issued(&self.counter, notice.numbers):
            self.has_foreign = True
            self.counter.lost = True
        if self.has_foreign:
            return None
        if self.in_flight:
            last = self.notices[len(self.notices) - 1] if self.notices else None
            if (last is not None and notice.copied == last.parsed.copied
                    and notice.numbers.first == <uint32_t>(last.parsed.numbers.last + 1)):
                last.parsed.numbers.last = notice.numbers.last
            else:
                last = Notice.__new__(Notice)
                last.parsed = notice[0]
                self.notices.append(last)
        for held in self.pending:
            done = held.apply(notice) or done
        return self.pop_done() if done else None

    cdef int drain_error_queue(self, socket sock) except -1:
        """Receive from the error queue, without waiting, while it has messages and a send is pending."""
        cdef ps_notice notice
        cdef ssize_t n
        cdef list released = []
        with cython.critical_section(sends_by_cookie):
            while self.pending and not self.has_foreign:
                n = ps_error_take(sock.sock_fd, &received)
                if n == -EAGAIN:
                    break
                if n < 0:
                    raise_errno(n)
                if ps_notice_parse(&received.msg, &notice):
                    released.append(self.apply(&notice))
                elif len(self.messages) < MAX_MESSAGES:
                    self.messages.append(copy_received(n))
        return 0

    cdef int add_owner(self, socket sock) except -1:
        """Keep this object in sends_by_cookie for as long as *sock* lives."""
        cdef object key = id(sock)
        with cython.critical_section(sends_by_cookie):
            if key not in self.owner_ids:
                remove_owner(key)
                owners[key] = reference(sock, partial(remove_owner, key)), self
                self.owner_ids.add(key)
        return 0

    cdef int drop_if_unused(self) except -1:
        with cython.critical_section(sends_by_cookie):
            if not (self.owner_ids or self.pending or self.in_flight):
                sends_by_cookie.pop(self.cookie, None)
        return 0


def remove_owner(key, _=None):
    """Remove the socket object with the id *key*: it is freed, closed, or on another kernel socket."""
    cdef Sends sends
    with cython.critical_section(sends_by_cookie):
        entry = owners.pop(key, None)
        if entry is not None:
            sends = entry[1]
            sends.owner_ids.discard(key)
            sends.drop_if_unused()


def forsake_all():
    """Drop everything in the child of a fork: the sends and their notices belong to the parent."""
    for sends in sends_by_cookie.values():
        ps_zerocopy_forsake(&(<Sends>sends).counter)
    sends_by_cookie.clear()
    owners.clear()


os.register_at_fork(after_in_child=forsake_all)


def sockets_remembered():
    """The number of kernel sockets that have an entry. It is for tests, which look for leaks."""
    return len(sends_by_cookie)


cdef Sends find_sends(socket sock):
    """The Sends of the kernel socket, or None; OSError if the socket is closed."""
    cdef uint64_t cookie = 0
    cdef int n
    if sends_by_cookie or sock.sock_fd < 0:
        n = ps_zerocopy_cookie(sock.sock_fd, &cookie)
        if n == -EBADF:
            raise_errno(n)
        if n == 0:
            return dict_get(sends_by_cookie, cookie)
    return None


cdef bint is_tcp_or_udp(socket sock) noexcept:
    cdef int proto = sock.sock_proto
    if sock.sock_family != AF_INET and sock.sock_family != AF_INET6:
        return False
    return (sock.sock_type == SOCK_STREAM and (proto == 0 or proto == IPPROTO_TCP)
            or sock.sock_type == SOCK_DGRAM and (proto == 0 or proto == IPPROTO_UDP))


cdef Sends find_or_make_sends(socket sock):
    """The Sends for a zero-copy send of *sock*; None where it cannot make one."""
    cdef uint64_t cookie = 0
    cdef Sends sends
    if not is_tcp_or_udp(sock) or ps_zerocopy_cookie(sock.sock_fd, &cookie) < 0:
        return None
    with cython.critical_section(sends_by_cookie):
        sends = dict_get(sends_by_cookie, cookie)
        if sends is None:
            sends = Sends()
            if not ps_zerocopy_init(&sends.counter, sock.sock_fd, cookie):
                return None
            sends.has_counter = True
            sends.cookie = cookie
            sends_by_cookie[cookie] = sends
        sends.add_owner(sock)
        return sends


cdef bint always_copies(socket sock) except -1:
    """Whether send_zerocopy of *sock* always copies, even if the kernel has zero-copy sends."""
    cdef Sends sends
    if not is_tcp_or_udp(sock) or sock.sock_fd < 0:
        return True
    sends = find_sends(sock)
    return sends.counter.lost if sends is not None else ps_zerocopy_is_on(sock.sock_fd)


cdef Py_ssize_t close_owner(socket sock) except -1:
    """Remove *sock*, which is about to be closed; return how many sends stay pending for ever.

    That is 0 while another socket object has the same kernel socket, because it can still reap them.
    """
    cdef object key = id(sock)
    cdef Sends sends
    entry = dict_get(owners, key)
    if entry is None:
        return 0
    sends = entry[1]
    try:
        if sends is find_sends(sock):
            sends.drain_error_queue(sock)
    except OSError:
        pass  # close() reports what is wrong with the descriptor
    remove_owner(key)
    return 0 if sends.owner_ids else len(sends.pending)


cdef int warn_of_pending(object sock, Py_ssize_t pending) except -1:
    """Warn at the line that called close(), not at a line of the two socket.py.

    They are the standard library's (`__exit__`, `makefile`), and that of the class here (`close`).
    """
    files = (socket_file, module_file)
    level, frame = 1, get_frame()
    while frame is not None and frame.f_code.co_filename in files:
        level, frame = level + 1, frame.f_back
    warn(
        f"{sock!r} was closed with {pending} zero-copy sends pending: their buffers are held for "
        "good. Call reap_zerocopy() first.", ResourceWarning, level, sock)
    return 0


cdef ssize_t receive_plain_error(socket sock, ps_io *io) except -1:
    """recvfrom(2) with MSG_ERRQUEUE, as `receive_error`."""
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


cdef int apply_notices(socket sock, const ps_inbox *inbox) except -1:
    """Apply the notices that a batch call has received from the error queue.

    A batch call does not get the messages that are kept here.
    """
    cdef ps_notice notice
    cdef size_t i
    cdef list released = []
    cdef Sends sends = find_sends(sock)
    if sends is None:
        return 0
    with cython.critical_section(sends_by_cookie):
        for i in range(inbox.came):
            if ps_notice_parse(&inbox.headers[i].msg_hdr, &notice):
                released.append(sends.apply(&notice))
    return 0


cdef ssize_t receive_error(socket sock, ps_io *io) except -1:
    """recvmsg(2) with MSG_ERRQUEUE: deliver a kept message, or receive one and apply a notice."""
    cdef ps_error_control control
    cdef ps_notice notice
    cdef msghdr *msg = io.msg
    cdef void *callers_control = msg.msg_control
    cdef size_t callers_size = msg.msg_controllen
    cdef size_t size
    cdef int64_t deadline = 0
    cdef ssize_t n
    cdef list released
    cdef Sends sends = find_sends(sock)
    if sends is None:
        return transfer(sock, ps_recvmsg, io, POLLIN, &deadline)
    with cython.critical_section(sends_by_cookie):
        kept = sends.messages.pop(0) if sends.messages else None
    if kept is not None:
        return (<Message>kept).deliver(msg)
    if callers_size < PS_ERROR_CONTROL:  # a notice that is cut cannot be parsed, and would be lost
        msg.msg_control = control.bytes
        msg.msg_controllen = PS_ERROR_CONTROL
    n = transfer(sock, ps_recvmsg, io, POLLIN, &deadline)
    with cython.critical_section(sends_by_cookie):
        released = sends.apply(&notice) if ps_notice_parse(msg, &notice) else None
    if callers_size < PS_ERROR_CONTROL:
        size = msg.msg_controllen
        msg.msg_control = callers_control
        msg.msg_controllen = callers_size
        ps_message_control(msg, control.bytes, size)
    return n
