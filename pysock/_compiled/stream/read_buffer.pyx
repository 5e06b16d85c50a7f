"""The reading half of a stream: what has been received and not yet been read.

Every byte is in one place, memory[start:stop], until a call has all that it was asked for. What
breaks a call off before, a timeout, a signal's handler, a limit, finds the bytes there still, and
the next call goes on with them. A large read receives into its caller's memory; when it is broken
off, what came is put back, into room that was made before it began.
"""

from ..._shared import original
from ..io import transfer
from ..._shared.exceptions import IncompleteReadError, LimitOverrunError

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memchr, memcpy, memmove

from ..core.retry cimport transfer_within
from ..core.deadline cimport Deadline, call_overridden, between_transfers
from ..core.socket_object cimport socket
from .lock cimport Lock
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport ps_io, ps_recv
from ..sys.ps_wait cimport POLLIN


cdef extern from "<string.h>":
    void *memmem(const void *haystack, size_t length, const void *needle, size_t size) nogil


cdef tuple plain_methods = (
    (transfer.recv_into, transfer.send), (original.socket.recv_into, original.socket.send),
)


cdef bint is_direct(socket sock) except -1:
    """Whether csrc may move the bytes of *sock*: nobody has put other methods in their place."""
    return (ps_addr_family_known(sock.sock_family)
            and (type(sock).recv_into, type(sock).send) in plain_methods)


cdef class ReadBuffer:
    def __cinit__(self, socket sock not None, size_t buffer_size):
        self.sock = sock
        self.direct = is_direct(sock)
        self.lock = Lock()
        self.buffer_size = buffer_size
        self.memory = NULL
        self.capacity = self.start = self.stop = self.came_last = 0

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef size_t unread(self) noexcept:
        return self.stop - self.start

    cdef bytes consume(self, size_t count):
        """The first *count* unread bytes, read."""
        taken = PyBytes_FromStringAndSize(self.memory + self.start, <Py_ssize_t>count)
        self.start += count
        return taken

    cdef int reserve(self, size_t capacity) except -1:
        """Have memory for so many unread bytes, those that there are included, at its beginning."""
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
        """Receive up to *count* bytes into memory of that size, once: 0 at the end of the stream."""
        cdef ps_io io
        cdef ssize_t n
        if not self.direct:
            return self.receive_by_method(target, count, until)
        io.buf = target
        io.len = count
        io.likely = min(count, self.came_last)
        io.flags = 0
        n = transfer_within(self.sock, ps_recv, &io, POLLIN, until.timeout, &until.at)
        self.came_last = <size_t>n
        return n

    cdef ssize_t receive_by_method(self, char *target, size_t count, Deadline *until) except -1:
        """By recv_into of a socket that has its own (ssl.SSLSocket), which may do what it likes
        with the buffer that it gets: so it gets one that is not ours."""
        cdef Py_ssize_t n
        cdef const unsigned char[::1] came
        if self.room is None:
            self.room = bytearray(self.buffer_size)
        view = memoryview(self.room)[:<Py_ssize_t>min(count, self.buffer_size)]
        n = call_overridden(self.sock, self.sock.recv_into, view, POLLIN, until)
        if not 0 <= n <= len(view):
            raise OSError(f"recv_into returned {n} for a buffer of {len(view)} bytes")
        if n > 0:
            came = view
            memcpy(target, &came[0], <size_t>n)
        return n

    cdef ssize_t refill(self, Deadline *until) except -1:
        """Receive once, behind what is unread: the number of bytes, 0 at the end of the stream."""
        cdef ssize_t n
        cdef size_t unread = self.unread()
        if unread == 0 or self.start > 0 or self.stop == self.capacity:
            self.reserve(unread + 1 if unread < self.capacity else 2 * unread)
        n = self.receive(self.memory + self.stop, self.capacity - self.stop, until)
        self.stop += <size_t>n
        return n

    cdef int fill_to(self, size_t count, Deadline *until) except -1:
        """Have *count* unread bytes, at most a buffer's, or all before the end of the stream."""
        while self.unread() < count:
            if self.refill(until) == 0:
                break
            if self.unread() < count:
                between_transfers(until)
        return 0

    cdef ssize_t read_into(self, char *target, size_t count, Deadline *until) except -1:
        """Read *count* bytes into memory of that size, fewer where the stream ends before."""
        cdef size_t got
        cdef ssize_t n
        if self.unread() < count <= self.buffer_size:
            self.fill_to(count, until)
        if self.unread() >= count or count <= self.buffer_size:
            got = min(count, self.unread())
            memcpy(target, self.memory + self.start, got)
            self.start += got
            return <ssize_t>got
        self.reserve(count)  # to put back what came, should it not be all
        got = self.unread()
        memcpy(target, self.memory, got)
        try:
            while got < count:
                n = self.receive(target + got, count - got, until)
                if n == 0:
                    break
                got += <size_t>n
                if got < count:
                    between_transfers(until)
        except:
            memcpy(self.memory, target, got)
            self.stop = got
            raise
        self.start = self.stop = 0
        return <ssize_t>got

    cdef bytes line_at_hand(self, Py_ssize_t most):
        """The next line, or *most* bytes of it, if that is here already; None if it is not."""
        cdef size_t there = self.unread()
        cdef const char *newline
        if most >= 0 and <size_t>most < there:
            there = <size_t>most
        if there > 0:
            newline = <const char *>memchr(self.memory + self.start, b"\n", there)
            if newline != NULL:
                return self.consume(<size_t>(newline + 1 - (self.memory + self.start)))
        return self.consume(there) if there == <size_t>most else None

    cdef bytes read_line(self, Py_ssize_t most, Deadline *until):
        """Up to a newline and with it, or *most* bytes (negative: any number), or the end."""
        cdef size_t searched = 0
        cdef size_t there
        cdef const char *newline
        while True:
            there = self.unread()
            if most >= 0 and <size_t>most < there:
                there = <size_t>most
            newline = NULL
            if there > searched:
                newline = <const char *>memchr(self.memory + self.start + searched, b"\n",
                                               there - searched)
            if newline != NULL:
                return self.consume(<size_t>(newline + 1 - (self.memory + self.start)))
            if there == <size_t>most:  # not where it is negative: nobody has so much memory
                return self.consume(there)
            searched = there
            if self.refill(until) == 0:
                return self.consume(self.unread())
            between_transfers(until)

    cdef bytes read_until(self, list separators, size_t limit, Deadline *until):
        """Up to the first of *separators*, the shortest first, and with it.

        What cannot begin one of them is not searched twice.
        """
        cdef size_t longest = <size_t>PyBytes_GET_SIZE(separators[len(separators) - 1])
        cdef size_t searched = 0
        cdef size_t stop, begin, end, size
        cdef const char *unread
        cdef const char *found
        while True:
            unread = self.memory + self.start
            begin = end = 0
            for separator in separators:
                size = <size_t>PyBytes_GET_SIZE(separator)
                if size > self.unread() - searched:
                    break
                found = <const char *>memmem(unread + searched, self.unread() - searched,
                                             PyBytes_AS_STRING(separator), size)
                if found != NULL:
                    stop = <size_t>(found - unread) + size
                    if end == 0 or stop < end:
                        begin, end = stop - size, stop
            if begin > limit:
                raise LimitOverrunError("Separator is found, but chunk is longer than limit", begin)
            if end > 0:
                return self.consume(end)
            if self.unread() >= longest:
                searched = self.unread() - longest + 1
            if searched > limit:
                raise LimitOverrunError("Separator is not found, and chunk exceed the limit",
                                        searched)
            if self.refill(until) == 0:
                raise IncompleteReadError(self.consume(self.unread()), None)
            between_transfers(until)

    cdef bytes read_all(self, Deadline *until):
        """What comes until the end of the stream."""
        while self.refill(until) > 0:
            between_transfers(until)
        return self.consume(self.unread())
