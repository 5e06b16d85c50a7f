"""Stream on the standard library alone, as the modules of _compiled/stream/ are in C."""

import io
import select
import socket
from functools import partial
from operator import index
from warnings import warn

from ..._shared import MAX_TLS_RECORD, PACKAGE, original
from ..._shared.arguments import as_size, check_socket, readable_view, writable_view
from ..._shared.deadline import Deadline
from ..._shared.exceptions import IncompleteReadError, LimitOverrunError
from ..._shared.loops.overridden import call, saved_timeout
from ..._shared.progress import record, set_progress
from .lock import Lock

DEFAULT_SIZE = 65536
MSG_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
_WAIT_ERRORS = (BlockingIOError, TimeoutError)


def _checked(n, max_count, method):
    """Return *n*, the result of an overridden *method*; OSError if it is not possible."""
    if not 0 <= index(n) <= max_count:
        raise OSError(f"{method} returned {n} for {max_count} bytes")
    return n


def _separators(separator):
    separators = separator if isinstance(separator, tuple) else (separator,)
    separators = sorted((bytes(memoryview(one)) for one in separators), key=len)
    if not separators:
        raise ValueError("Separator should contain at least one element")
    if not separators[0]:
        raise ValueError("Separator should be at least one-byte string")
    return separators


class Stream(io.BufferedIOBase):
    """A buffered file object on a connected stream socket. An interrupted call loses no bytes.

    `read`, `readline`, `write` and the rest of `io.BufferedIOBase` mean what they mean there. Each
    call waits for as long as the socket's timeout says; that time is for the whole call. Most
    methods have a *timeout* in seconds for the one call (None: no limit), or a *deadline* on the
    clock of `time.monotonic()`. TimeoutError says that the time is over. After it, as after
    an exception from a signal handler or LimitOverrunError, the next call continues where this one
    ended.

    *limit* is the number of bytes that `readuntil` searches. *buffer_size* is the number of bytes
    that are received at once, and that are buffered before they are sent (at least 16384). One
    thread may read while another one writes. `close()` closes the socket, `detach()` returns it.
    Raises TypeError or ValueError if *sock* is not a socket of type SOCK_STREAM, ValueError for
    sizes that are out of range.
    """

    _sock = _closed = _detachable = None

    def __init__(self, sock, *, limit=DEFAULT_SIZE, buffer_size=DEFAULT_SIZE):
        if self._closed is not None:
            raise RuntimeError("this stream has its socket already")
        check_socket(sock)
        limit, buffer_size = as_size(limit), as_size(buffer_size)
        if sock.type != socket.SOCK_STREAM:
            raise ValueError("a Stream needs a socket of type SOCK_STREAM")
        if limit <= 0:
            raise ValueError("limit must be positive")
        if buffer_size <= 0:
            raise ValueError("buffer_size must be positive")
        self._sock = sock
        self._detachable = [sock]
        self._limit = limit
        self._buffer_size = max(buffer_size, MAX_TLS_RECORD)
        self._unread = bytearray()
        self._unsent = bytearray()
        self._read_lock = Lock()
        self._write_lock = Lock()
        self._closed = False
        # If the methods are not overridden, this class can poll() itself. It then does not change
        # the socket's timeout, which another thread may rely on.
        self._direct = (
            type(sock).recv_into is original.socket.recv_into
            and getattr(type(sock), "send", None) is original.socket.send
        )

    def _check_open(self):
        if self._closed is None:
            raise ValueError("I/O operation on uninitialized object")
        if not self._detachable:
            raise ValueError("the socket has been detached from this stream")
        if self._closed:
            raise ValueError("I/O operation on closed file.")

    def _deadline(self, timeout, deadline):
        self._check_open()
        if timeout is ... and deadline is None:
            timeout = saved_timeout(self._sock)
        return Deadline(self._sock, timeout, deadline)

    def _call(self, method, argument, events, deadline):
        """Call a method of the socket, and wait until *deadline* at most."""
        sock = self._sock
        # Without a deadline the call itself waits: it honours SO_RCVTIMEO and SO_SNDTIMEO.
        must_poll = self._direct and (deadline.left() is not None or sock.gettimeout() is not None)
        while must_poll and not deadline.non_blocking and sock.fileno() != -1:
            deadline.wait(sock.fileno(), events)
            try:
                return method(*argument, MSG_DONTWAIT)
            except BlockingIOError:
                pass  # another thread was faster
        if self._direct:
            return method(*argument)
        seconds = ... if deadline.non_blocking else deadline.left()
        return call(sock, seconds, events, method, *argument)

    # Reading

    def _refill(self, deadline):
        buffer, counts = bytearray(self._buffer_size), []
        receive = partial(record, counts, self._sock.recv_into)
        try:
            self._call(receive, (buffer, len(buffer)), select.POLLIN, deadline)
        finally:  # a signal handler can raise after the call, too
            for n in counts:
                self._unread += memoryview(buffer)[: _checked(n, len(buffer), "recv_into")]
        return counts[0]

    def _fill_to(self, count, deadline):
        while len(self._unread) < count and self._refill(deadline):
            if len(self._unread) < count:
                deadline.between_transfers()

    def _consume(self, count):
        data = bytes(memoryview(self._unread)[:count])
        del self._unread[:count]
        return data

    def _read_count(self, count, deadline):
        """Read *count* bytes, all if negative; fewer at the end or on a non-blocking socket."""
        try:
            if count < 0:
                while self._refill(deadline):
                    deadline.between_transfers()
            else:
                self._fill_to(count, deadline)
        except BlockingIOError:
            if not self._unread or not deadline.non_blocking:
                raise
        return self._consume(len(self._unread) if count < 0 else count)

    def read(self, size=-1, /, *, timeout=..., deadline=None):
        """Read and return *size* bytes, fewer only at the end; all if negative or None."""
        count = -1 if size is None else as_size(size)
        until = self._deadline(timeout, deadline)
        with self._read_lock.held(until):
            return self._read_count(count, until)

    def readexactly(self, n, /, *, timeout=..., deadline=None):
        """Read and return *n* bytes; IncompleteReadError, with `.partial`, if the stream ends."""
        n = as_size(n)
        until = self._deadline(timeout, deadline)
        if n < 0:
            raise ValueError("readexactly size can not be less than zero")
        with self._read_lock.held(until):
            self._fill_to(n, until)
            data = self._consume(n)
        if len(data) < n:
            raise IncompleteReadError(data, n)
        return data

    def read1(self, size=-1, /, *, timeout=..., deadline=None):
        """Return the buffered bytes, at most *size*. Receives once if the buffer is empty."""
        size = as_size(size)
        until = self._deadline(timeout, deadline)
        with self._read_lock.held(until):
            if size and not self._unread:
                self._refill(until)
            return self._consume(len(self._unread) if size < 0 else size)

    def readinto(self, buffer, /, *, timeout=..., deadline=None):
        """Read into a writable *buffer* until it is full or the stream ends; return the count."""
        with writable_view(buffer, "readinto") as view:
            until = self._deadline(timeout, deadline)
            with self._read_lock.held(until):
                data = self._read_count(len(view), until)
            view[: len(data)] = data
            return len(data)

    def readinto_exactly(self, buffer, /, *, timeout=..., deadline=None):
        """Read into a writable *buffer* until it is full, or raise IncompleteReadError."""
        with writable_view(buffer, "readinto_exactly") as view:
            view[:] = self.readexactly(len(view), timeout=timeout, deadline=deadline)
            return len(view)

    def readinto1(self, buffer, /, *, timeout=..., deadline=None):
        """As `read1`, into a writable *buffer*; return the number of bytes."""
        with writable_view(buffer, "readinto1") as view:
            data = self.read1(len(view), timeout=timeout, deadline=deadline)
            view[: len(data)] = data
            return len(data)

    def readline(self, size=-1, /, *, timeout=..., deadline=None):
        r"""Read and return a line with its b"\n", at most *size* bytes if that is not negative."""
        size = -1 if size is None else as_size(size)
        if size < 0 and timeout is ... and self._closed is False:
            acquired = []
            try:
                if self._read_lock.try_acquire(acquired):
                    found = self._unread.find(b"\n") + 1
                    if found:
                        return self._consume(found)  # the common case: no wait
            finally:
                if True in acquired:
                    self._read_lock.lock.release()
        until = self._deadline(timeout, deadline)
        searched = 0
        with self._read_lock.held(until):
            while True:
                max_count = len(self._unread) if size < 0 else size
                found = self._unread.find(b"\n", searched, max_count)
                if found >= 0:
                    return self._consume(found + 1)
                searched = len(self._unread)
                if 0 <= size <= searched:
                    return self._consume(size)
                if not self._refill(until):
                    return self._consume(searched)
                until.between_transfers()

    def readlines(self, hint=-1, /):
        """Return a list of all lines, or of as many as have more than *hint* bytes together."""
        return super().readlines(hint)

    def __iter__(self):
        self._check_open()
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readuntil(self, separator=b"\n", *, timeout=..., deadline=None):
        """Read and return the bytes through *separator*, a bytes-like object or a tuple of them."""
        separators = _separators(separator)
        until = self._deadline(timeout, deadline)
        searched = 0
        with self._read_lock.held(until):
            while True:
                found = [(self._unread.find(one, searched), len(one)) for one in separators]
                ends = [(start + size, size) for start, size in found if start >= 0]
                if ends:
                    end, size = min(ends)
                    if end - size > self._limit:
                        message = "Separator is found, but chunk is longer than limit"
                        raise LimitOverrunError(message, end - size)
                    return self._consume(end)
                searched = max(searched, len(self._unread) + 1 - len(separators[-1]))
                if searched > self._limit:
                    message = "Separator is not found, and chunk exceed the limit"
                    raise LimitOverrunError(message, searched)
                if not self._refill(until):
                    raise IncompleteReadError(self._consume(len(self._unread)), None)
                until.between_transfers()

    def peek(self, size=0, /, *, timeout=..., deadline=None):
        """Return the buffered bytes; they stay unread. Receives once if the buffer is empty."""
        as_size(size)
        until = self._deadline(timeout, deadline)
        with self._read_lock.held(until):
            if not self._unread:
                self._refill(until)
            return bytes(self._unread)

    # Writing

    def _send(self, deadline):
        data = bytes(memoryview(self._unsent)[:MAX_TLS_RECORD])
        counts = []
        try:
            self._call(partial(record, counts, self._sock.send), (data,), select.POLLOUT, deadline)
        finally:  # a signal handler raises after a short send
            for n in counts:
                del self._unsent[: _checked(n, len(data), "send")]

    def write(self, data, /, *, timeout=..., deadline=None):
        """Write a bytes-like object; return the number of its bytes."""
        until = self._deadline(timeout, deadline)
        accepted = 0

        def write_all(view):  # a function of its own, see _shared/loops/transfer.py
            nonlocal accepted
            accepted = self._append(view)
            while accepted < len(view):
                try:
                    self._send(until)
                    until.between_transfers()
                finally:
                    accepted += self._append(view[accepted:])

        with readable_view(data) as view:
            try:
                with self._write_lock.held(until):
                    write_all(view)
            except BaseException as error:
                # All bytes were accepted and only the wait for a send failed: the write succeeded.
                if accepted < len(view) or not accepted or not isinstance(error, _WAIT_ERRORS):
                    set_progress(error, "characters_written", accepted)
                    raise
            return accepted

    def _append(self, view):
        """Copy as much of *view* as fits into the write buffer; return the number of bytes."""
        count = min(len(view), self._buffer_size - len(self._unsent))
        self._unsent += view[:count]
        return count

    def writelines(self, lines, /, *, timeout=..., deadline=None):
        """Write each item of an iterable of bytes-like objects, as `write` does."""
        until = self._deadline(timeout, deadline)
        total = 0
        for line in lines:
            try:
                total += self.write(line, **until.as_argument())
            except BaseException as error:
                set_progress(
                    error, "characters_written", total + getattr(error, "characters_written", 0)
                )
                raise

    def flush(self, *, timeout=..., deadline=None):
        """Send all unsent bytes. If this raises, the bytes stay in the buffer: call it again."""
        until = self._deadline(timeout, deadline)
        with self._write_lock.held(until):
            while self._unsent:
                self._send(until)
                if self._unsent:
                    until.between_transfers()

    # The rest of a file object

    def close(self):
        """Send the unsent bytes, then close the socket. It is closed even if sending fails."""
        if self._closed or not self._detachable:
            return
        try:
            self.flush()
        finally:
            self._closed = True
            self._sock.close()

    def detach(self):
        """Send the unsent bytes and return the socket. ValueError while bytes are unread."""
        self._check_open()
        if self._unread:
            raise ValueError(f"{len(self._unread)} received bytes are unread")
        self.flush()
        # A call of another thread may be using self._sock, which therefore stays as it is.
        try:
            return self._detachable.pop()
        except IndexError:  # another thread has detached the socket in the meantime
            self._check_open()
            raise

    @property
    def closed(self):
        """Whether `close()` was called."""
        return bool(self._closed)

    @property
    def sock(self):
        """The socket; None after `detach()`."""
        return self._sock if self._detachable else None

    @property
    def name(self):
        """The socket's file descriptor, as in a `makefile()` file; -1 if there is none."""
        return self._sock.fileno() if self._detachable else -1

    def fileno(self):
        """Return the socket's file descriptor. `select()` on it does not see buffered bytes."""
        self._check_open()
        return self._sock.fileno()

    def isatty(self):
        """Return False."""
        self._check_open()
        return False

    def readable(self):
        """Return True."""
        self._check_open()
        return True

    def writable(self):
        """Return True."""
        self._check_open()
        return True

    def seekable(self):
        """Return False."""
        self._check_open()
        return False

    def seek(self, offset, whence=0, /):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise io.UnsupportedOperation("seek")

    def tell(self):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise io.UnsupportedOperation("tell")

    def truncate(self, size=None, /):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise io.UnsupportedOperation("truncate")

    def __enter__(self):
        self._check_open()
        return self

    def __getstate__(self):  # a copy would own the same socket
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __repr__(self):
        if not self._detachable:
            return "<Stream detached>"
        return f"<Stream {'closed' if self._closed else repr(self._sock)}>"

    def __del__(self):
        if getattr(self, "_unsent", None) and not self._closed:
            warn(
                f"dropped {self!r} with {len(self._unsent)} bytes written and not sent",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


Stream.__module__ = PACKAGE
