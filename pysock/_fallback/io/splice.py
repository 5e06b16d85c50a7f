"""splice over the standard library: it reads and writes."""

import errno
import operator
import os
import select
import socket as _stdlib
import stat
import time

from ..._shared import original
from ..._shared.arguments import as_int
from ..._shared.deadline import Deadline
from ..._shared.progress import set_progress

_CHUNK = 64 << 10
_PIPE_BUF = select.PIPE_BUF  # bytes that a writable pipe accepts without blocking


class _End:
    """One of the two descriptors. Reads and writes of it do not block."""

    def __init__(self, file, duplicates):
        if not isinstance(file, int) and not hasattr(file, "fileno"):
            raise TypeError("argument must be an int, or have a fileno() method.")
        if getattr(file, "_sslobj", None) is not None:
            raise ValueError(f"splice not allowed on instances of {type(file).__name__}")
        self._file = file
        mode = os.fstat(self.fileno()).st_mode
        self._max_write = _CHUNK if stat.S_ISREG(mode) else _PIPE_BUF
        self._blocking = None  # a blocking socket: it needs MSG_DONTWAIT, which os.read() has not
        if stat.S_ISSOCK(mode):
            blocks = os.get_blocking(self.fileno())
            if not isinstance(file, original.socket):
                file = original.socket(fileno=os.dup(self.fileno()))
                duplicates.append(file)
                file.settimeout(None if blocks else 0)  # its mode, whatever the default timeout is
            if file.type != _stdlib.SOCK_STREAM:
                raise ValueError("only SOCK_STREAM type sockets are supported")
            self._max_write = _CHUNK
            self._blocking = file if blocks else None

    def fileno(self):
        """The current descriptor: it may have been closed in the meantime."""
        fd = as_int(self._file if isinstance(self._file, int) else self._file.fileno())
        if fd < 0 and not isinstance(self._file, original.socket):
            raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
        if fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return fd

    def read(self, size):
        """Return an iterator over one chunk of at most *size* bytes. `next()` reads it."""
        if self._blocking is None:
            return map(os.read, (self.fileno(),), (size,))
        return map(original.socket.recv, (self._blocking,), (size,), (_stdlib.MSG_DONTWAIT,))

    def write(self, data):
        """Return an iterator over the number of bytes of *data* written. `next()` writes them."""
        data = data[: self._max_write]
        if self._blocking is None:
            return map(os.write, (self.fileno(),), (data,))
        return map(original.socket.send, (self._blocking,), (data,), (_stdlib.MSG_DONTWAIT,))


class _ignoring_would_block:
    """The call would block after poll(): another reader was faster, or POLLERR stays set."""

    def __enter__(self):
        pass

    def __exit__(self, _, error, traceback):
        if isinstance(error, BlockingIOError):
            time.sleep(0.001)
            return True


def splice(src, dst, count=None, timeout=None):
    """Move bytes from *src* to *dst*; return their number.

    *src* and *dst* are sockets, files, pipes, other objects with a `fileno()`, or file descriptors.
    It moves *count* bytes, or all up to the end of *src* if *count* is None. *timeout*, in seconds,
    is for the whole call; None is no limit. The descriptors may be blocking or non-blocking.

    Any exception that ends the call has two attributes: *bytes_moved*, the number of bytes that
    were written to *dst*, and *pending*, the bytes that were read from *src* and not written.
    Raises TimeoutError if the timeout is over; ValueError for a negative number, for a socket that
    is not a stream, and for one with TLS; OSError.
    """
    if count is not None:
        count = operator.index(count)
        if count < 0:
            raise ValueError("count must not be negative")
    deadline = Deadline(None, None if timeout is ... else timeout)
    duplicates = []  # sockets of this call's own
    try:
        source, target = _End(src, duplicates), _End(dst, duplicates)
        # The bytes written to dst; the last chunk, and the counts of its writes. C code appends to
        # both lists, so every byte is counted if a signal handler raises.
        moved, chunks, counts = 0, [], []

        def move():  # a function of its own, see _shared/loops/transfer.py
            nonlocal moved, chunks, counts
            while count is None or moved < count:
                size = _CHUNK if count is None else min(_CHUNK, count - moved)
                if moved and deadline.left() == 0:
                    raise TimeoutError("timed out")
                deadline.wait(source.fileno(), select.POLLIN)
                with _ignoring_would_block():
                    chunks.extend(source.read(size))
                if chunks == [b""]:
                    break
                while sum(counts) < sum(map(len, chunks)):
                    deadline.wait(target.fileno(), select.POLLOUT)
                    with _ignoring_would_block():
                        counts.extend(target.write(memoryview(chunks[0])[sum(counts) :]))
                moved, chunks, counts = moved + sum(counts), [], []

        try:
            move()
            return moved
        except BaseException as error:
            set_progress(error, "bytes_moved", moved + sum(counts))
            set_progress(error, "pending", b"".join(chunks)[sum(counts) :])
            raise
    finally:
        for sock in duplicates:
            sock.close()
