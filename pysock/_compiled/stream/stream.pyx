"""Stream: a buffered file object on a socket. An interrupted call loses no bytes.

This module has the methods that read and write. base.pyx has the other methods of a file object;
the bytes are in read_buffer.pyx and write_buffer.pyx. On an interpreter with a GIL, a call whose
bytes are already in the buffer does not acquire the lock: it does not release the GIL, so no other
thread can run before it ends. Every other call acquires the lock of its direction first.
"""

import io

cimport cython

from ..._shared import PACKAGE
from ..._shared.exceptions import IncompleteReadError

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from ..core.buffers cimport acquire_writable_for
from ..core.progress cimport set_progress
from ..core.deadline cimport Deadline
from .read_buffer cimport ReadBuffer
from .write_buffer cimport WriteBuffer
from .base cimport StreamBase
from .lock cimport must_lock
from ..core.type_name cimport name_as_public


cdef list separators_of(object separator):
    """*separator*, a bytes-like object or a tuple of them, as a list of bytes sorted by length."""
    cdef list found
    if PyBytes_CheckExact(separator):
        found = [separator]
    elif isinstance(separator, tuple):
        found = [bytes(memoryview(one)) for one in separator]
        found.sort(key=len)
    else:
        found = [bytes(memoryview(separator))]
    if not found:
        raise ValueError("Separator should contain at least one element")
    if not found[0]:
        raise ValueError("Separator should be at least one-byte string")
    return found


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Stream(StreamBase):
    """Stream(sock, *, limit=65536, buffer_size=65536)
--

    A buffered file object on a connected stream socket. `read`, `read1`, `readinto`, `readline`,
    `peek`, `write`, `flush` and the rest of `io.BufferedIOBase` mean what they mean there;
    `readexactly` and `readuntil` are named as in asyncio's StreamReader.

    An interrupted call loses no bytes. After a timeout, an exception from a signal handler or
    `LimitOverrunError`, the next call finds the received bytes in the buffer, and the written bytes
    are sent later. Each call waits for as long as the socket's timeout says; that time is for the
    whole call. Most methods have a *timeout* in seconds for the one call (None: no limit), or a
    *deadline* on the clock of `time.monotonic()`. With either, TimeoutError is raised when the time
    is over. Without them, a call on a non-blocking socket raises BlockingIOError if it would block.

    *limit* is the number of bytes that `readuntil` searches. *buffer_size* is the number of bytes
    that are received at once, and that are buffered before they are sent (at least 16384). One
    thread may read while another one writes. If two threads read, the second waits. `select()`
    does not see the bytes in the buffers.

    *sock* is any `socket.socket` of type SOCK_STREAM. If its class overrides `recv_into` or `send`,
    as `ssl.SSLSocket` does, these methods are called. During such a call the socket's timeout is
    set to the rest of the time. Raises ValueError for another type of socket, and for sizes
    that are out of range. The stream owns the socket: `close()` closes it, `detach()` returns it.
    """

    # Reading

    def read(self, size=-1, /, *, timeout=..., deadline=None):
        """Read and return *size* bytes, or all until the end of the stream if negative or None.

        Returns fewer bytes only at the end of the stream, where it returns b"". On a non-blocking
        socket it returns what is available, and raises BlockingIOError if that is nothing. Raises
        TimeoutError, OSError.
        """
        cdef Py_ssize_t count = -1 if size is None else size
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        if not must_lock(read_buffer.lock) and 0 <= count <= <Py_ssize_t>read_buffer.unread():
            return read_buffer.consume(<size_t>count)
        read_buffer.lock.acquire(&until)
        try:
            return read_buffer.read_all(&until) if count < 0 else self.read_count(count, &until)
        except BlockingIOError:
            if read_buffer.unread() == 0 or until.timeout != 0:
                raise
            return read_buffer.consume(read_buffer.unread())
        finally:
            read_buffer.lock.release()

    cdef bytes read_count(self, Py_ssize_t count, Deadline *until):
        """Read *count* bytes, fewer at the end. Large reads receive into the returned object."""
        cdef ReadBuffer read_buffer = self.read_buffer
        cdef ssize_t n
        if <size_t>count <= read_buffer.buffer_size or <size_t>count <= read_buffer.unread():
            read_buffer.fill_to(<size_t>count, until)
            return read_buffer.consume(min(<size_t>count, read_buffer.unread()))
        data = PyBytes_FromStringAndSize(NULL, count)
        n = read_buffer.read_into(PyBytes_AS_STRING(data), <size_t>count, until)
        return data if n == count else data[:n]

    def readexactly(self, Py_ssize_t n, /, *, timeout=..., deadline=None):
        """Read and return exactly *n* bytes.

        Raises IncompleteReadError if the stream ends before; its `.partial` has the received bytes.
        Raises ValueError if *n* is negative; TimeoutError, BlockingIOError, OSError.
        """
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        if n < 0:
            raise ValueError("readexactly size can not be less than zero")
        if not must_lock(read_buffer.lock) and <size_t>n <= read_buffer.unread():
            return read_buffer.consume(<size_t>n)
        read_buffer.lock.acquire(&until)
        try:
            data = self.read_count(n, &until)
        finally:
            read_buffer.lock.release()
        if len(data) < n:
            raise IncompleteReadError(data, n)
        return data

    def read1(self, size=-1, /, *, timeout=..., deadline=None):
        """Return the buffered bytes, at most *size* if that is not negative.

        Receives once if the buffer is empty. Returns b"" at the end of the stream. Raises
        TimeoutError, BlockingIOError, OSError.
        """
        cdef Py_ssize_t count = size
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        if count == 0:
            return b""
        read_buffer.lock.acquire(&until)
        try:
            if read_buffer.unread() == 0:
                read_buffer.refill(&until)
            return read_buffer.consume(
                read_buffer.unread() if count < 0 else min(<size_t>count, read_buffer.unread()))
        finally:
            read_buffer.lock.release()

    def readinto(self, buffer, /, *, timeout=..., deadline=None):
        """Read into a writable *buffer* until it is full; return the number of bytes.

        The number is smaller only at the end of the stream. On a non-blocking socket it reads what
        is available, and raises BlockingIOError if that is nothing. Raises TimeoutError, OSError.
        """
        return self.fill_buffer(buffer, "readinto", False, timeout, deadline)

    def readinto_exactly(self, buffer, /, *, timeout=..., deadline=None):
        """Read into a writable *buffer* until it is full; return the number of bytes.

        Raises IncompleteReadError if the stream ends before; its `.partial` has the received bytes.
        Raises TimeoutError, BlockingIOError, OSError; after these the bytes are still unread.
        """
        return self.fill_buffer(buffer, "readinto_exactly", True, timeout, deadline)

    cdef object fill_buffer(self, object buffer, str method, bint exactly, object timeout,
                        object deadline):
        cdef Py_buffer view
        cdef ssize_t n = 0
        cdef Deadline until
        cdef ReadBuffer read_buffer
        acquire_writable_for(buffer, &view, method)
        try:
            until = self.deadline_of_call(timeout, deadline)
            read_buffer = self.read_buffer
            read_buffer.lock.acquire(&until)
            try:
                if view.len > 0:
                    n = read_buffer.read_into(<char *>view.buf, <size_t>view.len, &until)
            except BlockingIOError:
                n = <ssize_t>read_buffer.unread()
                if exactly or n == 0 or until.timeout != 0:
                    raise
                read_buffer.read_into(<char *>view.buf, <size_t>n, &until)
            finally:
                read_buffer.lock.release()
            if exactly and n < view.len:
                partial = PyBytes_FromStringAndSize(<char *>view.buf, n)
                raise IncompleteReadError(partial, view.len)
            return n
        finally:
            PyBuffer_Release(&view)

    def readinto1(self, buffer, /, *, timeout=..., deadline=None):
        """As `read1`, into a writable *buffer*; return the number of bytes, 0 at the end."""
        cdef Py_buffer view
        cdef size_t n
        cdef Deadline until
        cdef ReadBuffer read_buffer
        acquire_writable_for(buffer, &view, "readinto1")
        try:
            until = self.deadline_of_call(timeout, deadline)
            read_buffer = self.read_buffer
            if view.len == 0:
                return 0
            read_buffer.lock.acquire(&until)
            try:
                if read_buffer.unread() == 0:
                    read_buffer.refill(&until)
                n = min(<size_t>view.len, read_buffer.unread())
                memcpy(view.buf, read_buffer.memory + read_buffer.start, n)
                read_buffer.start += n
                return n
            finally:
                read_buffer.lock.release()
        finally:
            PyBuffer_Release(&view)

    def readline(self, size=-1, /, *, timeout=..., deadline=None):
        r"""Read and return one line with its b"\n", at most *size* bytes if that is not negative.

        The bytes before the end of the stream are a line too; b"" is the end. Without *size* a line
        may have any length; the stream's limit applies to `readuntil` only. Raises TimeoutError,
        BlockingIOError, OSError.
        """
        cdef Py_ssize_t max_bytes = -1 if size is None else size
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        cdef bytes line
        if not must_lock(read_buffer.lock):
            line = read_buffer.buffered_line(max_bytes, 0)
            if line is not None:
                return line
        read_buffer.lock.acquire(&until)
        try:
            return read_buffer.read_line(max_bytes, &until)
        finally:
            read_buffer.lock.release()

    def readlines(self, hint=-1, /):
        """Return a list of all lines, or of as many as have more than *hint* bytes together."""
        cdef Py_ssize_t max_bytes = -1 if hint is None else hint
        cdef Py_ssize_t total = 0
        cdef list lines = []
        for line in self:
            lines.append(line)
            total += len(line)
            if 0 < max_bytes < total:
                break
        return lines

    def __iter__(self):
        self.check_open()
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readuntil(self, separator=b"\n", *, timeout=..., deadline=None):
        r"""Read and return the bytes up to *separator*, and the separator with them.

        *separator* is a bytes-like object or a tuple of them. Of a tuple, the match that ends first
        counts; if several end there, the shortest does. Raises LimitOverrunError if more than
        *limit* bytes are before it; all bytes are still unread. Raises IncompleteReadError if the
        stream ends before; its `.partial` has the received bytes. Raises ValueError for an empty
        *separator*; TimeoutError, BlockingIOError, OSError.
        """
        cdef list separators = separators_of(separator)
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        read_buffer.lock.acquire(&until)
        try:
            return read_buffer.read_until(separators, self.limit, &until)
        finally:
            read_buffer.lock.release()

    def peek(self, size=0, /, *, timeout=..., deadline=None):
        """Return the buffered bytes; they stay unread. Receives once if the buffer is empty.

        *size* is ignored. Raises TimeoutError, BlockingIOError, OSError.
        """
        cdef Py_ssize_t ignored = size
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        read_buffer.lock.acquire(&until)
        try:
            if read_buffer.unread() == 0:
                read_buffer.refill(&until)
            return PyBytes_FromStringAndSize(read_buffer.memory + read_buffer.start,
                                             <Py_ssize_t>read_buffer.unread())
        finally:
            read_buffer.lock.release()

    # Writing

    def write(self, data, /, *, timeout=..., deadline=None):
        """Write a bytes-like object; return the number of its bytes.

        They are sent when the buffer is full, or by `flush()`. Call `flush()` before you wait for
        an answer. If not all bytes were accepted, TimeoutError, BlockingIOError or OSError is
        raised. Its `.characters_written` is the number of bytes that were accepted. They are sent
        before anything else and must not be written again.
        """
        return self.write_one(data, self.deadline_of_call(timeout, deadline))

    cdef Py_ssize_t write_one(self, object data, Deadline until) except -1:
        cdef Py_buffer view
        cdef size_t accepted = 0
        cdef WriteBuffer write_buffer = self.write_buffer
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            write_buffer.lock.acquire(&until)
            try:
                write_buffer.write(<const char *>view.buf, <size_t>view.len, &accepted, &until)
            finally:
                write_buffer.lock.release()
        except BaseException as error:
            # All bytes were accepted and only the wait for a send failed: the write succeeded.
            if (isinstance(error, (BlockingIOError, TimeoutError)) and view.len > 0
                    and accepted == <size_t>view.len):
                return view.len
            set_progress(error, "characters_written", accepted)
            raise
        finally:
            PyBuffer_Release(&view)
        return view.len

    def writelines(self, lines, /, *, timeout=..., deadline=None):
        """Write each item of an iterable of bytes-like objects, as `write` does, no separators.

        `.characters_written` of an exception is the number of bytes that were accepted in total.
        """
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef size_t total = 0
        for line in lines:
            self.check_open()
            try:
                total += <size_t>self.write_one(line, until)
            except BaseException as error:
                set_progress(error, "characters_written",
                             total + getattr(error, "characters_written", 0))
                raise

    def flush(self, *, timeout=..., deadline=None):
        """Send all unsent bytes. If this raises, the bytes stay in the buffer: call it again."""
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef WriteBuffer write_buffer = self.write_buffer
        if not must_lock(write_buffer.lock) and write_buffer.unsent() == 0:
            return
        write_buffer.lock.acquire(&until)
        try:
            write_buffer.flush(&until)
        finally:
            write_buffer.lock.release()

name_as_public(Stream, PACKAGE)
io.BufferedIOBase.register(Stream)
