"""Stream on the standard library alone: what _stream.pyx, _inflow.pyx and _outflow.pyx are in C."""

import io
import select
import socket
from functools import partial
from operator import index
from warnings import warn

from ..._shared import PACKAGE, original
from ..._shared.arguments import as_size, memory_of, memory_to_fill, must_be_socket
from ..._shared.deadline import Deadline
from ..._shared.exceptions import IncompleteReadError, LimitOverrunError
from ..._shared.loops.overridden import RECORD_MOST, call, own_timeout
from ..._shared.progress import record, set_progress
from .lock import Lock

DEFAULT = 65536
MSG_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
_OVER = (BlockingIOError, TimeoutError)


def _moved(n, most, method):
    """*n*, which a socket's own *method* says that it moved, if it can be true."""
    if not 0 <= index(n) <= most:
        raise OSError(f"{method} returned {n} for {most} bytes")
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
    """A buffered file object on a connected stream socket; what is broken off loses nothing.

    `read`, `readline`, `write` and the rest of `io.BufferedIOBase` mean what they mean there. Each
    call waits as the socket's timeout says, once for the whole call; most take *timeout*, seconds
    for this call (None: without end), or *deadline*, a `time.monotonic()`. TimeoutError says that
    the time was over; after it, as after an exception from a signal's handler or
    LimitOverrunError, the next call goes on where this one was.

    *limit* is how many bytes `readuntil` searches; *buffer_size* what is received at once and
    collected before it is sent (16384 at least). One thread may read while another one writes.
    `close()` closes the socket, `detach()` gives it back. TypeError, ValueError for what is no
    socket of type SOCK_STREAM.
    """

    _sock = _closed = None

    def __init__(self, sock, *, limit=DEFAULT, buffer_size=DEFAULT):
        if self._closed is not None:
            raise RuntimeError("this stream has its socket already")
        must_be_socket(sock)
        limit, buffer_size = as_size(limit), as_size(buffer_size)
        if sock.type != socket.SOCK_STREAM:
            raise ValueError("a Stream needs a socket of type SOCK_STREAM")
        if limit <= 0:
            raise ValueError("limit must be positive")
        if buffer_size <= 0:
            raise ValueError("buffer_size must be positive")
        self._sock = sock
        self._limit = limit
        self._size = max(buffer_size, RECORD_MOST)
        self._unread = bytearray()
        self._unsent = bytearray()
        self._reading = Lock()
        self._writing = Lock()
        self._closed = False
        # Where the methods are the standard library's own, waiting can be done out here, and the
        # timeout of the socket, which another thread may rely on, is left alone.
        self._plain = (
            type(sock).recv_into is original.socket.recv_into
            and getattr(type(sock), "send", None) is original.socket.send
        )

    def _check_open(self):
        if self._closed is None:
            raise ValueError("I/O operation on uninitialized object")
        if self._sock is None:
            raise ValueError("the socket has been detached from this stream")
        if self._closed:
            raise ValueError("I/O operation on closed file.")

    def _deadline(self, timeout, deadline):
        self._check_open()
        if timeout is ... and deadline is None:
            timeout = own_timeout(self._sock)
        return Deadline(self._sock, timeout, deadline)

    def _call(self, method, argument, events, deadline):
        """Call a method of the socket, waiting until *deadline* at most."""
        sock = self._sock
        # Without a time to keep to, the call itself waits: it knows the kernel's own timeouts.
        polls = self._plain and (deadline.left() is not None or sock.gettimeout() is not None)
        while polls and not deadline.never_waits and sock.fileno() != -1:
            deadline.wait(sock.fileno(), events)
            try:
                return method(*argument, MSG_DONTWAIT)
            except BlockingIOError:
                pass  # somebody was there before us
        if self._plain:
            return method(*argument)
        seconds = ... if deadline.never_waits else deadline.left()
        return call(sock, seconds, events, method, *argument)

    # Reading

    def _refill(self, deadline):
        room, counts = bytearray(self._size), []
        receive = partial(record, counts, self._sock.recv_into)
        try:
            self._call(receive, (room, len(room)), select.POLLIN, deadline)
        finally:  # a signal's handler can raise after the call, too
            for n in counts:
                self._unread += memoryview(room)[: _moved(n, len(room), "recv_into")]
        return counts[0]

    def _fill_to(self, count, deadline):
        while len(self._unread) < count and self._refill(deadline):
            if len(self._unread) < count:
                deadline.between_transfers()

    def _take(self, count):
        taken = bytes(memoryview(self._unread)[:count])
        del self._unread[:count]
        return taken

    def _take_up_to(self, count, deadline):
        """*count* bytes, all if negative; fewer at the end, and of a non-blocking socket."""
        try:
            if count < 0:
                while self._refill(deadline):
                    deadline.between_transfers()
            else:
                self._fill_to(count, deadline)
        except BlockingIOError:
            if not self._unread or not deadline.never_waits:
                raise
        return self._take(len(self._unread) if count < 0 else count)

    def read(self, size=-1, /, *, timeout=..., deadline=None):
        """Read *size* bytes, fewer only at the end; all until then if negative or None."""
        count = -1 if size is None else as_size(size)
        until = self._deadline(timeout, deadline)
        with self._reading.held(until):
            return self._take_up_to(count, until)

    def readexactly(self, n, /, *, timeout=..., deadline=None):
        """Read *n* bytes; IncompleteReadError, with `.partial`, where the stream ends before."""
        n = as_size(n)
        until = self._deadline(timeout, deadline)
        if n < 0:
            raise ValueError("readexactly size can not be less than zero")
        with self._reading.held(until):
            self._fill_to(n, until)
            data = self._take(n)
        if len(data) < n:
            raise IncompleteReadError(data, n)
        return data

    def read1(self, size=-1, /, *, timeout=..., deadline=None):
        """Read what is there, up to *size* bytes; receive once if nothing is."""
        size = as_size(size)
        until = self._deadline(timeout, deadline)
        with self._reading.held(until):
            if size and not self._unread:
                self._refill(until)
            return self._take(len(self._unread) if size < 0 else size)

    def readinto(self, buffer, /, *, timeout=..., deadline=None):
        """Fill a writable *buffer*, less of it only at the end: the number of bytes."""
        with memory_to_fill(buffer, "readinto") as view:
            until = self._deadline(timeout, deadline)
            with self._reading.held(until):
                data = self._take_up_to(len(view), until)
            view[: len(data)] = data
            return len(data)

    def readinto_exactly(self, buffer, /, *, timeout=..., deadline=None):
        """Fill a writable *buffer*; IncompleteReadError where the stream ends before."""
        with memory_to_fill(buffer, "readinto_exactly") as view:
            view[:] = self.readexactly(len(view), timeout=timeout, deadline=deadline)
            return len(view)

    def readinto1(self, buffer, /, *, timeout=..., deadline=None):
        """As `read1`, into a writable *buffer*: the number of bytes."""
        with memory_to_fill(buffer, "readinto1") as view:
            data = self.read1(len(view), timeout=timeout, deadline=deadline)
            view[: len(data)] = data
            return len(data)

    def readline(self, size=-1, /, *, timeout=..., deadline=None):
        r"""Read up to b"\n" and with it; at most *size* bytes if that is not negative."""
        size = -1 if size is None else as_size(size)
        if size < 0 and timeout is ... and self._closed is False:
            got = []
            try:
                if self._reading.try_acquire(got):
                    found = self._unread.find(b"\n") + 1
                    if found:
                        return self._take(found)  # at once, and by far the most of them
            finally:
                if True in got:
                    self._reading.lock.release()
        until = self._deadline(timeout, deadline)
        searched = 0
        with self._reading.held(until):
            while True:
                most = len(self._unread) if size < 0 else size
                found = self._unread.find(b"\n", searched, most)
                if found >= 0:
                    return self._take(found + 1)
                searched = len(self._unread)
                if 0 <= size <= searched:
                    return self._take(size)
                if not self._refill(until):
                    return self._take(searched)
                until.between_transfers()

    def readlines(self, hint=-1, /):
        """Read all lines until the end, or until they are more than *hint* bytes together."""
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
        """Read up to *separator*, bytes or a tuple of them, and with it."""
        separators = _separators(separator)
        until = self._deadline(timeout, deadline)
        searched = 0
        with self._reading.held(until):
            while True:
                found = [(self._unread.find(one, searched), len(one)) for one in separators]
                ends = [(begin + size, size) for begin, size in found if begin >= 0]
                if ends:
                    end, size = min(ends)
                    if end - size > self._limit:
                        message = "Separator is found, but chunk is longer than limit"
                        raise LimitOverrunError(message, end - size)
                    return self._take(end)
                searched = max(searched, len(self._unread) + 1 - len(separators[-1]))
                if searched > self._limit:
                    message = "Separator is not found, and chunk exceed the limit"
                    raise LimitOverrunError(message, searched)
                if not self._refill(until):
                    raise IncompleteReadError(self._take(len(self._unread)), None)
                until.between_transfers()

    def peek(self, size=0, /, *, timeout=..., deadline=None):
        """Show what is there without reading it; receive once if nothing is."""
        as_size(size)
        until = self._deadline(timeout, deadline)
        with self._reading.held(until):
            if not self._unread:
                self._refill(until)
            return bytes(self._unread)

    # Writing

    def _send(self, deadline):
        data = bytes(memoryview(self._unsent)[:RECORD_MOST])
        counts = []
        try:
            self._call(partial(record, counts, self._sock.send), (data,), select.POLLOUT, deadline)
        finally:  # a signal that cuts a send short raises after it
            for n in counts:
                del self._unsent[: _moved(n, len(data), "send")]

    def write(self, data, /, *, timeout=..., deadline=None):
        """Write a bytes-like object: the number of its bytes."""
        until = self._deadline(timeout, deadline)
        taken = 0

        def keep_all(view):  # by itself, for the reason that _fallback_whole.py has
            nonlocal taken
            taken = self._keep_of(view)
            while taken < len(view):
                try:
                    self._send(until)
                    until.between_transfers()
                finally:
                    taken += self._keep_of(view[taken:])

        with memory_of(data) as view:
            try:
                with self._writing.held(until):
                    keep_all(view)
            except BaseException as error:
                # All in the buffer and only the time over: it is written, as if it had been less.
                if taken < len(view) or not taken or not isinstance(error, _OVER):
                    set_progress(error, "characters_written", taken)
                    raise
            return taken

    def _keep_of(self, view):
        """Keep, to be sent, what the buffer has room for: the number of bytes."""
        count = min(len(view), self._size - len(self._unsent))
        self._unsent += view[:count]
        return count

    def writelines(self, lines, /, *, timeout=..., deadline=None):
        """Write each of an iterable of bytes-like objects, as `write` does."""
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
        """Send what was written. What an exception left unsent the next call sends."""
        until = self._deadline(timeout, deadline)
        with self._writing.held(until):
            while self._unsent:
                self._send(until)
                if self._unsent:
                    until.between_transfers()

    # The rest of a file object

    def close(self):
        """Send what was written and close the socket, which is closed also when that fails."""
        if self._closed or self._sock is None:
            return
        try:
            self.flush()
        finally:
            self._closed = True
            self._sock.close()

    def detach(self):
        """Send what was written and give the socket back; ValueError while bytes are unread."""
        self._check_open()
        if self._unread:
            raise ValueError(f"{len(self._unread)} received bytes are unread")
        self.flush()
        sock, self._sock = self._sock, None
        return sock

    @property
    def closed(self):
        """Whether `close()` was called."""
        return bool(self._closed)

    @property
    def sock(self):
        """The socket; None after `detach()`."""
        return self._sock

    @property
    def name(self):
        """The socket's descriptor, as a `makefile()`'s name is; -1 without one."""
        return -1 if self._sock is None else self._sock.fileno()

    def fileno(self):
        """The socket's descriptor; it says nothing of what is buffered here."""
        self._check_open()
        return self._sock.fileno()

    def isatty(self):
        """False."""
        self._check_open()
        return False

    def readable(self):
        """True."""
        self._check_open()
        return True

    def writable(self):
        """True."""
        self._check_open()
        return True

    def seekable(self):
        """False."""
        self._check_open()
        return False

    def seek(self, offset, whence=0, /):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("seek")

    def tell(self):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("tell")

    def truncate(self, size=None, /):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("truncate")

    def __enter__(self):
        self._check_open()
        return self

    def __getstate__(self):  # a copy would be a second owner of the socket
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __repr__(self):
        state = "detached" if self._sock is None else "closed" if self._closed else repr(self._sock)
        return f"<Stream {state}>"

    def __del__(self):
        if getattr(self, "_unsent", None) and not self._closed:
            warn(
                f"dropped {self!r} with {len(self._unsent)} bytes written and not sent",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


Stream.__module__ = PACKAGE
