"""The writing half of a stream: what has been written and not yet been sent.

Little is collected; what does not fit goes out with what was collected before it, by one sendmsg(2)
and without being copied. When that is broken off, by a timeout, a signal's handler or an error, each
byte is either sent, or queued here to be sent next, or not taken: `write` tells how many were taken.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy, memmove, memset

from ..core.retry cimport transfer_within
from ..core.deadline cimport Deadline, call_overridden, between_transfers
from .read_buffer cimport is_direct
from ..core.socket_object cimport socket
from .lock cimport Lock
from ..sys.ps_io cimport iovec, msghdr, ps_io, ps_sendmsg
from ..sys.ps_wait cimport POLLOUT


cdef enum:
    # OpenSSL wants to be called again with what it could not send, or more of it: never with more
    # at once than one record holds, which then is here still.
    RECORD_MOST = 16384


cdef class WriteBuffer:
    def __cinit__(self, socket sock not None, size_t buffer_size):
        self.sock = sock
        self.direct = is_direct(sock)
        self.lock = Lock()
        self.memory = NULL
        self.capacity = buffer_size
        self.start = self.stop = 0

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef size_t unsent(self) noexcept:
        return self.stop - self.start

    cdef size_t append(self, const char *data, size_t count) except? 0:
        """Take of *data* what there is room for: how many bytes."""
        if self.memory == NULL:
            self.memory = <char *>PyMem_Malloc(self.capacity)
            if self.memory == NULL:
                raise MemoryError()
        if self.start > 0 and self.capacity - self.stop < count:
            memmove(self.memory, self.memory + self.start, self.unsent())
            self.stop -= self.start
            self.start = 0
        count = min(count, self.capacity - self.stop)
        memcpy(self.memory + self.stop, data, count)
        self.stop += count
        return count

    cdef size_t send(self, const char *data, size_t count, Deadline *until) except? 0:
        """Send once, what is queued and then *data*: how many bytes of *data* went out."""
        cdef ps_io io
        cdef msghdr msg
        cdef iovec iov[2]
        cdef size_t n
        cdef size_t queued = self.unsent()
        if not self.direct:
            self.send_by_method(until)
            return 0
        memset(&msg, 0, sizeof(msg))
        iov[0].iov_base = self.memory + self.start
        iov[0].iov_len = queued
        iov[1].iov_base = <void *>data
        iov[1].iov_len = count
        msg.msg_iov = &iov[0 if queued > 0 else 1]
        msg.msg_iovlen = 2 if queued > 0 else 1
        io.msg = &msg
        io.len = io.likely = queued + count
        io.flags = 0
        n = <size_t>transfer_within(self.sock, ps_sendmsg, &io, POLLOUT, until.timeout,
                                    &until.at)
        if n < queued:
            self.start += n
            return 0
        self.start = self.stop = 0
        return n - queued

    cdef int send_by_method(self, Deadline *until) except -1:
        cdef size_t count = min(self.unsent(), <size_t>RECORD_MOST)
        cdef Py_ssize_t n
        data = PyBytes_FromStringAndSize(self.memory + self.start, <Py_ssize_t>count)
        n = call_overridden(self.sock, self.sock.send, data, POLLOUT, until)
        if not 0 <= n <= <Py_ssize_t>count:
            raise OSError(f"send returned {n} for {count} bytes")
        self.start += <size_t>n
        if self.start == self.stop:
            self.start = self.stop = 0
        return 0

    cdef int write(self, const char *data, size_t count, size_t *taken, Deadline *until) except -1:
        """Send or keep *data*; *taken* is how much of it was, also when this raises."""
        taken[0] = 0
        while count - taken[0] > self.capacity - self.unsent():
            try:
                if not self.direct:
                    taken[0] += self.append(data + taken[0], count - taken[0])
                taken[0] += self.send(data + taken[0], count - taken[0], until)
                if taken[0] == count:
                    return 0
                between_transfers(until)
            except:
                taken[0] += self.append(data + taken[0], count - taken[0])
                raise
        taken[0] += self.append(data + taken[0], count - taken[0])
        return 0

    cdef int flush(self, Deadline *until) except -1:
        """Send what is queued."""
        while self.unsent() > 0:
            self.send(NULL, 0, until)
            if self.unsent() > 0:
                between_transfers(until)
        return 0
