"""The part of a stream that neither reads nor writes: its life cycle and its properties."""

import io

# It is in C, and is there without the module `warnings`: nothing is imported within a call.
from _warnings import warn

from ..._shared import MAX_TLS_RECORD, loops

cimport cython

from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from .read_buffer cimport ReadBuffer
from .write_buffer cimport WriteBuffer
from ..core.socket_object cimport socket
from ..core.threads cimport exchange
from ..sys.ps_socket cimport SOCK_STREAM


cdef object UnsupportedOperation = io.UnsupportedOperation

cdef enum:
    DEFAULT_SIZE = 65536  # bytes: the limit, and each buffer

cdef Py_ssize_t min_buffer_size = MAX_TLS_RECORD


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class StreamBase:
    """The part of `Stream` that neither reads nor writes."""

    def __cinit__(self, *arguments, **named):  # a subclass may have other parameters
        self.is_detached = True

    def __init__(self, socket sock not None, *, Py_ssize_t limit=DEFAULT_SIZE,
                 Py_ssize_t buffer_size=DEFAULT_SIZE):
        if self.stream_socket is not None:
            raise RuntimeError("this stream has its socket already")
        if sock.sock_type != SOCK_STREAM:
            raise ValueError("a Stream needs a socket of type SOCK_STREAM")
        if limit <= 0:
            raise ValueError("limit must be positive")
        if buffer_size <= 0:
            raise ValueError("buffer_size must be positive")
        self.stream_socket = sock
        self.limit = <size_t>limit
        self.read_buffer = ReadBuffer(sock, <size_t>max(buffer_size, min_buffer_size))
        self.write_buffer = WriteBuffer(sock, <size_t>max(buffer_size, min_buffer_size))
        self.is_detached = self.is_closed = False

    cdef int check_open(self) except -1:
        if self.stream_socket is None:
            raise ValueError("I/O operation on uninitialized object")
        if self.is_detached:
            raise ValueError("the socket has been detached from this stream")
        if self.is_closed:
            raise ValueError("I/O operation on closed file.")
        return 0

    cdef Deadline deadline_of_call(self, object timeout, object deadline) except *:
        self.check_open()
        if not self.read_buffer.direct and timeout is NOT_GIVEN and deadline is None:
            timeout = loops.overridden.saved_timeout(self.stream_socket)
        return deadline_of(self.stream_socket, timeout, deadline)

    def close(self):
        """Send the unsent bytes, then close the socket. It is closed even if sending fails."""
        if self.is_closed or self.is_detached:
            return
        try:
            self.flush()
        finally:
            self.is_closed = True
            self.stream_socket.close()

    def detach(self):
        """Send the unsent bytes, separate the socket from the stream and return the socket.

        The stream cannot be used after this.

        Raises ValueError while received bytes are unread. The next reader of the socket would miss
        them. After a STARTTLS they would be plain text that is used as if it came over TLS.
        `peek()` shows the unread bytes.
        """
        self.check_open()
        if self.read_buffer.unread() > 0:
            raise ValueError(f"{self.read_buffer.unread()} received bytes are unread")
        self.flush()
        if exchange(&self.is_detached, True):
            self.check_open()  # raises: another thread has detached the socket in the meantime
        return self.stream_socket

    @property
    def closed(self):
        """Whether `close()` was called."""
        return self.is_closed != 0

    @property
    def sock(self):
        """The socket; None after `detach()`."""
        return None if self.is_detached else self.stream_socket

    @property
    def name(self):
        """The socket's file descriptor, as in a `makefile()` file; -1 if there is none."""
        return -1 if self.is_detached else self.stream_socket.fileno()

    def fileno(self):
        """Return the socket's file descriptor. `select()` on it does not see buffered bytes."""
        self.check_open()
        return self.stream_socket.fileno()

    def isatty(self):
        """Return False."""
        self.check_open()
        return False

    def readable(self):
        """Return True."""
        self.check_open()
        return True

    def writable(self):
        """Return True."""
        self.check_open()
        return True

    def seekable(self):
        """Return False: `seek`, `tell` and `truncate` raise io.UnsupportedOperation."""
        self.check_open()
        return False

    def seek(self, offset, whence=0, /):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise UnsupportedOperation("seek")

    def tell(self):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise UnsupportedOperation("tell")

    def truncate(self, size=None, /):
        """Raise io.UnsupportedOperation: a socket has no file position."""
        raise UnsupportedOperation("truncate")

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        if self.is_detached:
            return "<Stream detached>"
        return f"<Stream {'closed' if self.is_closed else repr(self.stream_socket)}>"

    def __del__(self):
        if self.write_buffer is not None and self.write_buffer.unsent() > 0 and not self.is_closed:
            warn(
                f"dropped {self!r} with {self.write_buffer.unsent()} bytes written and not sent",
                ResourceWarning, source=self)
