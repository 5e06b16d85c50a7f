"""The read buffer of a stream: bytes that were received and not yet read.

Every received byte stays in memory[start:stop] until a call has all the bytes that it needs. A call
can end early because of a timeout, a signal handler or a limit. The bytes then still are in the
buffer, and the next call continues with them. A large read receives directly into the caller's
memory. If that read fails, the bytes are copied back into the buffer. The space for them is
allocated before the read starts, so copying back cannot fail.
"""

from ..._shared import original
from ..._shared.exceptions import IncompleteReadError, LimitOverrunError

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memchr, memcpy, memmove

from ..core.retry cimport transfer_within
from ..core.deadline cimport Deadline, call_overridden, between_transfers
from ..core.socket_class cimport socket_class
from ..core.socket_object cimport socket
from .lock cimport Lock
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport ps_io, ps_recv
from ..sys.ps_wait cimport POLLIN


cdef extern from "<string.h>":
    void *memmem(const void *haystack, size_t length, const void *needle, size_t size) nogil


cdef bint is_direct(socket sock) except -1:
    """Whether csrc may transfer for *sock*: a known family, recv_into and send not overridden."""
    return (ps_addr_family_known(sock.sock_family)
            and (type(sock) is socket_class or not overrides_any(sock)))


cdef bint overrides_any(socket sock) except -1:
    """Whether the class of *sock*, or the object itself, has a recv_into or a send of its own."""
    cls = type(sock)
    methods = (cls.recv_into, cls.send)
    if methods != (original.socket.recv_into, original.socket.send):
        # Without a class there is only capi, on the fallback.
        if socket_class is None or methods != (socket_class.recv_into, socket_class.send):
            return True
    attributes = getattr(sock, "__dict__", ())
    return "recv_into" in attributes or "send" in attributes


cdef class ReadBuffer:
    def __cinit__(self, socket sock not None, size_t buffer_size):
        self.sock = sock
        self.direct = is_direct(sock)
        self.lock = Lock()
        self.buffer_size = buffer_size
        self.memory = NULL
        self.capacity = self.start = self.stop = self.last_received = 0

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef size_t unread(self) noexcept:
        return self.stop - self.start

    cdef bytes consume(self, size_t count):
        """Return the first *count* unread bytes and mark them as read."""
        data = PyBytes_FromStringAndSize(self.memory + self.start, <Py_ssize_t>count)
        self.start += count
        return data

    cdef int reserve(self, size_t capacity) except -1:
        """Move the unread bytes to the front, and allocate space for *capacity* in total."""
        cdef char *memory
        if self.start > 0:
            memmove(self.memory, self.memory + self.start, self.unread())
            self.stop -= self.start
            self.start = 0
        capacity = max(capacity, self.buffer_size)
        if capacity > self.capacity or (self.stop == 0 and capacity < self.capacity):
            if self.stop == 0:
                PyMem_Free(self.memory)
                self.memory = NULL
                self.capacity = 0
            memory = <char *>PyMem_Realloc(self.memory, capacity)
            if memory == NULL:
                raise MemoryError()
            self.memory = memory
            self.capacity = capacity
        return 0

    cdef ssize_t receive(self, char *target, size_t count, Deadline *until) except -1:
        """Receive once, up to *count* bytes into *target*; 0 at the end of the stream."""
        cdef ps_io io
        cdef ssize_t n
        if not self.direct:
            return self.receive_by_method(target, count, until)
        io.buf = target
        io.len = count
        io.likely = min(count, self.last_received)
        io.flags = 0
        n = transfer_within(self.sock, ps_recv, &io, POLLIN, until.timeout, &until.at)
        self.last_received = <size_t>n
        return n

    cdef ssize_t receive_by_method(self, char *target, size_t count, Deadline *until) except -1:
        """Receive with the recv_into() of the socket's class, for example ssl.SSLSocket's.

        The method may keep a reference to its buffer. So it gets an object of its own, and the
        bytes are copied from there.
        """
        cdef Py_ssize_t n
        cdef const unsigned char[::1] received
        if self.method_buffer is None:
            self.method_buffer = bytearray(self.buffer_size)
        view = memoryview(self.method_buffer)[:<Py_ssize_t>min(count, self.buffer_size)]
        n = call_overridden(self.sock, self.sock.recv_into, view, POLLIN, until)
        if not 0 <= n <= len(view):
            raise OSError(f"recv_into returned {n} for a buffer of {len(view)} bytes")
        if n > 0:
            received = view
            memcpy(target, &received[0], <size_t>n)
        return n

    cdef ssize_t refill(self, Deadline *until) except -1:
        """Receive once, after the unread bytes; return the number of bytes, 0 at the end."""
        cdef ssize_t n
        cdef size_t unread = self.unread()
        if unread == 0 or self.start > 0 or self.stop == self.capacity:
            self.reserve(unread + 1 if unread < self.capacity else 2 * unread)
        n = self.receive(self.memory + self.stop, self.capacity - self.stop, until)
        self.stop += <size_t>n
        return n

    cdef int fill_to(self, size_t count, Deadline *until) except -1:
        """Receive until *count* bytes are unread, or the stream ends.

        *count* is at most the buffer size.
        """
        while self.unread() < count:
            if self.refill(until) == 0:
                break
            if self.unread() < count:
                between_transfers(until)
        return 0

    cdef ssize_t read_into(self, char *target, size_t count, Deadline *until) except -1:
        """Read *count* bytes into *target*; fewer only if the stream ends before."""
        cdef size_t filled
        cdef ssize_t n
        if self.unread() < count <= self.buffer_size:
            self.fill_to(count, until)
        if self.unread() >= count or count <= self.buffer_size:
            filled = min(count, self.unread())
            memcpy(target, self.memory + self.start, filled)
            self.start += filled
            return <ssize_t>filled
        self.reserve(count)  # space to copy the bytes back if the read fails
        filled = self.unread()
        memcpy(target, self.memory, filled)
        try:
            while filled < count:
                n = self.receive(target + filled, count - filled, until)
                if n == 0:
                    break
                filled += <size_t>n
                if filled < count:
                    between_transfers(until)
        except:
            memcpy(self.memory, target, filled)
            self.stop = filled
            raise
        self.start = self.stop = 0
        return <ssize_t>filled

    cdef bytes buffered_line(self, Py_ssize_t max_bytes, size_t searched):
        """The next line, or its first *max_bytes* bytes; None if it is not in the buffer.

        A negative *max_bytes* is no limit. The first *searched* unread bytes have no newline.
        """
        cdef size_t available = self.unread()
        cdef const char *newline
        if max_bytes >= 0 and <size_t>max_bytes < available:
            available = <size_t>max_bytes
        if available > searched:
            newline = <const char *>memchr(self.memory + self.start + searched, b"\n",
                                           available - searched)
            if newline != NULL:
                return self.consume(<size_t>(newline + 1 - (self.memory + self.start)))
        # Never equal if max_bytes is negative: no buffer is that large.
        return self.consume(available) if available == <size_t>max_bytes else None

    cdef bytes read_line(self, Py_ssize_t max_bytes, Deadline *until):
        """Read through the next newline, up to *max_bytes* (negative: no limit), or to the end."""
        cdef size_t searched = 0
        cdef bytes line
        while True:
            line = self.buffered_line(max_bytes, searched)
            if line is not None:
                return line
            searched = self.unread()
            if self.refill(until) == 0:
                return self.consume(searched)
            between_transfers(until)

    cdef bytes read_until(self, list separators, size_t limit, Deadline *until):
        """Read through the first match of *separators*, which are sorted by length.

        A byte that cannot start a match is searched once only.
        """
        cdef size_t longest = <size_t>PyBytes_GET_SIZE(separators[len(separators) - 1])
        cdef size_t searched = 0
        cdef size_t end, match_start, match_end, size
        cdef const char *unread
        cdef const char *found
        while True:
            unread = self.memory + self.start
            match_start = match_end = 0
            for separator in separators:
                size = <size_t>PyBytes_GET_SIZE(separator)
                if size > self.unread() - searched:
                    break
                found = <const char *>memmem(unread + searched, self.unread() - searched,
                                             PyBytes_AS_STRING(separator), size)
                if found != NULL:
                    end = <size_t>(found - unread) + size
                    if match_end == 0 or end < match_end:
                        match_start, match_end = end - size, end
            if match_start > limit:
                raise LimitOverrunError("Separator is found, but chunk is longer than limit",
                                        match_start)
            if match_end > 0:
                return self.consume(match_end)
            if self.unread() >= longest:
                searched = self.unread() - longest + 1
            if searched > limit:
                raise LimitOverrunError("Separator is not found, and chunk exceed the limit",
                                        searched)
            if self.refill(until) == 0:
                raise IncompleteReadError(self.consume(self.unread()), None)
            between_transfers(until)

    cdef bytes read_all(self, Deadline *until):
        """Read all bytes until the end of the stream."""
        while self.refill(until) > 0:
            between_transfers(until)
        return self.consume(self.unread())
