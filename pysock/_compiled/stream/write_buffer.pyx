"""The write buffer of a stream: bytes that were written and not yet sent.

The buffer collects small writes. If a write does not fit, one sendmsg(2) sends the buffer and the
new data, which is not copied. A write can end early because of a timeout, a signal handler or an
error. Each of its bytes is then in one of three states: sent, in the buffer and sent next, or not
accepted. `write` reports how many bytes were accepted.
"""

from ..._shared import MAX_TLS_RECORD

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


# A send by the method of an SSL socket gets no more than one record, and these bytes stay in the buffer
# until it has succeeded.
cdef size_t max_record = MAX_TLS_RECORD


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
        """Copy as much of *data* as fits into the buffer; return the number of bytes."""
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
        """Send once, the buffer and then *data*; return how many bytes of *data* were sent."""
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
        cdef size_t count = min(self.unsent(), max_record)
        cdef Py_ssize_t n
        data = PyBytes_FromStringAndSize(self.memory + self.start, <Py_ssize_t>count)
        n = call_overridden(self.sock, self.sock.send, data, POLLOUT, until)
        if not 0 <= n <= <Py_ssize_t>count:
            raise OSError(f"send returned {n} for {count} bytes")
        self.start += <size_t>n
        if self.start == self.stop:
            self.start = self.stop = 0
        return 0

    cdef int write(self, const char *data, size_t count, size_t *accepted,
                   Deadline *until) except -1:
        """Send or buffer *data*. *accepted* is how many bytes of it were, even if this raises."""
        accepted[0] = 0
        while count - accepted[0] > self.capacity - self.unsent():
            try:
                if not self.direct:
                    accepted[0] += self.append(data + accepted[0], count - accepted[0])
                accepted[0] += self.send(data + accepted[0], count - accepted[0], until)
                if accepted[0] == count:
                    return 0
                between_transfers(until)
            except:
                accepted[0] += self.append(data + accepted[0], count - accepted[0])
                raise
        accepted[0] += self.append(data + accepted[0], count - accepted[0])
        return 0

    cdef int flush(self, Deadline *until) except -1:
        """Send the whole buffer."""
        while self.unsent() > 0:
            self.send(NULL, 0, until)
            if self.unsent() > 0:
                between_transfers(until)
        return 0
