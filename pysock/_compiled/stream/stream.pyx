"""Stream: a buffered file object on a socket that loses nothing when a call is broken off.

Here are the methods that read and write, and what they mean; what else a file object has is in
_stream_base.pyx, the bytes are in _inflow.pyx and _outflow.pyx. A call that finds what it wants already
received neither waits nor takes a turn, where there is a GIL: it is over before another thread could
come. Every other one takes the turn of its half first.
"""

import io

cimport cython

from ..._shared import PACKAGE
from ..._shared.exceptions import IncompleteReadError
from ..._shared.arguments import not_writable

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from ..core.progress cimport set_progress
from ..core.deadline cimport Deadline
from .read_buffer cimport ReadBuffer
from .write_buffer cimport WriteBuffer
from .base cimport StreamBase
from .lock cimport must_lock
from ..core.type_name cimport name_as_public


cdef list separators_of(object separator):
    """*separator*, a bytes-like object or a tuple of them, as bytes, the shortest first."""
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


cdef int acquire_writable(object buffer, Py_buffer *view, str method) except -1:
    try:
        PyObject_GetBuffer(buffer, view, PyBUF_WRITABLE)
    except Exception:  # whatever it is, as in CPython
        raise not_writable(buffer, method) from None
    return 0


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Stream(StreamBase):
    """Stream(sock, *, limit=65536, buffer_size=65536)
--

    A buffered file object on a connected stream socket. `read`, `read1`, `readinto`, `readline`,
    `peek`, `write`, `flush` and the rest of `io.BufferedIOBase` mean what they mean there;
    `readexactly` and `readuntil` are named as in asyncio's StreamReader.

    A call that is broken off loses no byte. After a timeout, an exception from a signal's handler or
    `LimitOverrunError`, what was received is still there for the next call, and what was written is
    still to be sent. Each call waits as the socket's timeout says, once for the whole call. Most take
    *timeout*, seconds for this call (None: without end), or *deadline*, a `time.monotonic()`;
    either way TimeoutError says that the time was over. On a non-blocking socket without either,
    BlockingIOError.

    *limit* is how many bytes `readuntil` searches; *buffer_size* what is received at once and
    collected before it is sent (16384 at least). One thread may read while another one writes; of two
    that read the second waits. What is buffered here `select()` does not see.

    *sock* is any `socket.socket` of type SOCK_STREAM; of `ssl.SSLSocket` and others with methods of
    their own, `recv_into` and `send` are called, with the socket's timeout set to what is left for
    the time of the call. Raises ValueError for another type of socket and for sizes out of range.
    The stream owns the socket: `close()` closes it, `detach()` gives it back.
    """

    # Reading

    def read(self, size=-1, /, *, timeout=..., deadline=None):
        """Read *size* bytes, fewer only at the end of the stream; all until then if negative or None.

        b"" at the end. On a non-blocking socket what there is, BlockingIOError if that is nothing.
        Raises TimeoutError, OSError.
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
        """*count* bytes, fewer at the end of the stream. Large ones are received where they stay."""
        cdef ReadBuffer read_buffer = self.read_buffer
        cdef ssize_t n
        if <size_t>count <= read_buffer.buffer_size or <size_t>count <= read_buffer.unread():
            read_buffer.fill_to(<size_t>count, until)
            return read_buffer.consume(min(<size_t>count, read_buffer.unread()))
        data = PyBytes_FromStringAndSize(NULL, count)
        n = read_buffer.read_into(PyBytes_AS_STRING(data), <size_t>count, until)
        return data if n == count else data[:n]

    def readexactly(self, Py_ssize_t n, /, *, timeout=..., deadline=None):
        """Read *n* bytes.

        Raises IncompleteReadError, with the bytes that came in `.partial`, when the stream ends
        before; ValueError if *n* is negative; TimeoutError, BlockingIOError, OSError.
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
        """Read what is there, up to *size* bytes if that is not negative; receive once if nothing is.

        b"" at the end of the stream. Raises TimeoutError, BlockingIOError, OSError.
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
            return read_buffer.consume(read_buffer.unread() if count < 0 else min(<size_t>count, read_buffer.unread()))
        finally:
            read_buffer.lock.release()

    def readinto(self, buffer, /, *, timeout=..., deadline=None):
        """Fill a writable *buffer*, less of it only at the end of the stream: the number of bytes.

        On a non-blocking socket what there is, BlockingIOError if that is nothing. Raises
        TimeoutError, OSError.
        """
        return self.read_to(buffer, "readinto", False, timeout, deadline)

    def readinto_exactly(self, buffer, /, *, timeout=..., deadline=None):
        """Fill a writable *buffer*: the number of its bytes.

        Raises IncompleteReadError, with the bytes that came in `.partial`, when the stream ends
        before; TimeoutError, BlockingIOError, OSError, after which no byte counts as read.
        """
        return self.read_to(buffer, "readinto_exactly", True, timeout, deadline)

    cdef object read_to(self, object buffer, str method, bint exactly, object timeout,
                        object deadline):
        cdef Py_buffer view
        cdef ssize_t n = 0
        cdef Deadline until
        cdef ReadBuffer read_buffer
        acquire_writable(buffer, &view, method)
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
        """As `read1`, into a writable *buffer*: the number of bytes, 0 at the end of the stream."""
        cdef Py_buffer view
        cdef size_t n
        cdef Deadline until
        cdef ReadBuffer read_buffer
        acquire_writable(buffer, &view, "readinto1")
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
        r"""Read up to b"\n" and with it; at most *size* bytes if that is not negative.

        What comes before the end of the stream is a line too; b"" is the end. Without *size* a line
        may be of any length: `readuntil` has the stream's limit. Raises TimeoutError,
        BlockingIOError, OSError.
        """
        cdef Py_ssize_t most = -1 if size is None else size
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef ReadBuffer read_buffer = self.read_buffer
        cdef bytes line
        if not must_lock(read_buffer.lock):
            line = read_buffer.line_at_hand(most)
            if line is not None:
                return line
        read_buffer.lock.acquire(&until)
        try:
            return read_buffer.read_line(most, &until)
        finally:
            read_buffer.lock.release()

    def readlines(self, hint=-1, /):
        """Read all lines until the end of the stream, or until they are more than *hint* bytes together."""
        cdef Py_ssize_t most = -1 if hint is None else hint
        cdef Py_ssize_t total = 0
        cdef list lines = []
        for line in self:
            lines.append(line)
            total += len(line)
            if 0 < most < total:
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
        r"""Read up to *separator* and with it.

        *separator* is a bytes-like object or a tuple of them: the one that ends first counts, the
        shortest of those that end there. Raises LimitOverrunError when there are more than *limit*
        bytes before it, all still unread; IncompleteReadError, with what came in `.partial`, when
        the stream ends before; ValueError for an empty *separator*; TimeoutError, BlockingIOError,
        OSError.
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
        """Show what is there without reading it; receive once if nothing is. *size* is ignored."""
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
        """Write a bytes-like object: the number of its bytes.

        It is sent when the buffer is full, or by `flush()`, which a peer's answer waits for. When
        not all could be taken TimeoutError, BlockingIOError or OSError is raised: the first
        `.characters_written` bytes were, are sent before anything else, and must not be written
        again.
        """
        return self.put(data, self.deadline_of_call(timeout, deadline))

    cdef Py_ssize_t put(self, object data, Deadline until) except -1:
        cdef Py_buffer view
        cdef size_t taken = 0
        cdef WriteBuffer write_buffer = self.write_buffer
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            write_buffer.lock.acquire(&until)
            try:
                write_buffer.write(<const char *>view.buf, <size_t>view.len, &taken, &until)
            finally:
                write_buffer.lock.release()
        except BaseException as error:
            # All in the buffer and only the time over: it is written, as if it had been less.
            if (isinstance(error, (BlockingIOError, TimeoutError)) and view.len > 0
                    and taken == <size_t>view.len):
                return view.len
            set_progress(error, "characters_written", taken)
            raise
        finally:
            PyBuffer_Release(&view)
        return view.len

    def writelines(self, lines, /, *, timeout=..., deadline=None):
        """Write each of an iterable of bytes-like objects, as `write` does, nothing between them.

        `.characters_written` of an exception counts the bytes of all that were taken.
        """
        cdef Deadline until = self.deadline_of_call(timeout, deadline)
        cdef size_t total = 0
        for line in lines:
            self.check_open()
            try:
                total += <size_t>self.put(line, until)
            except BaseException as error:
                set_progress(error, "characters_written", total + getattr(error, "characters_written", 0))
                raise

    def flush(self, *, timeout=..., deadline=None):
        """Send what was written. What an exception left unsent the next call sends."""
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
