"""What a stream is beside reading and writing: opened, closed, detached, asked what it can do."""

import io

from ..._shared import loops

cimport cython

from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from .read_buffer cimport ReadBuffer
from .write_buffer cimport WriteBuffer
from ..core.socket_object cimport socket
from ..core.threads cimport exchange
from ..sys.ps_socket cimport SOCK_STREAM


cdef object UnsupportedOperation = io.UnsupportedOperation

cdef enum:
    DEFAULT = 65536  # bytes, of the limit and of each buffer
    LEAST = 16384    # of a buffer: a TLS record fits


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class StreamBase:
    """The part of `Stream` that neither reads nor writes."""

    def __cinit__(self, *arguments, **named):  # a subclass may take others
        self.is_detached = True

    def __init__(self, socket sock not None, *, Py_ssize_t limit=DEFAULT,
                 Py_ssize_t buffer_size=DEFAULT):
        if self.its_socket is not None:
            raise RuntimeError("this stream has its socket already")
        if sock.sock_type != SOCK_STREAM:
            raise ValueError("a Stream needs a socket of type SOCK_STREAM")
        if limit <= 0:
            raise ValueError("limit must be positive")
        if buffer_size <= 0:
            raise ValueError("buffer_size must be positive")
        self.its_socket = sock
        self.limit = <size_t>limit
        self.read_buffer = ReadBuffer(sock, <size_t>max(buffer_size, LEAST))
        self.write_buffer = WriteBuffer(sock, <size_t>max(buffer_size, LEAST))
        self.is_detached = self.is_closed = False

    cdef int check_open(self) except -1:
        if self.its_socket is None:
            raise ValueError("I/O operation on uninitialized object")
        if self.is_detached:
            raise ValueError("the socket has been detached from this stream")
        if self.is_closed:
            raise ValueError("I/O operation on closed file.")
        return 0

    cdef Deadline deadline_of_call(self, object timeout, object deadline) except *:
        self.check_open()
        if not self.read_buffer.direct and timeout is NOT_GIVEN and deadline is None:
            timeout = loops.overridden.own_timeout(self.its_socket)
        return deadline_of(self.its_socket, timeout, deadline)

    def close(self):
        """Send what was written and close the socket, which is closed also when that fails."""
        if self.is_closed or self.is_detached:
            return
        try:
            self.flush()
        finally:
            self.is_closed = True
            self.its_socket.close()

    def detach(self):
        """Send what was written and give the socket back; the stream is of no more use.

        Raises ValueError while bytes are unread: the socket's next reader would miss them, or after a
        STARTTLS take what came in the clear for what came under TLS. `peek()` shows them.
        """
        self.check_open()
        if self.read_buffer.unread() > 0:
            raise ValueError(f"{self.read_buffer.unread()} received bytes are unread")
        self.flush()
        if exchange(&self.is_detached, True):
            self.check_open()  # which says that another thread was first
        return self.its_socket

    @property
    def closed(self):
        """Whether `close()` was called."""
        return self.is_closed != 0

    @property
    def sock(self):
        """The socket; None after `detach()`."""
        return None if self.is_detached else self.its_socket

    @property
    def name(self):
        """The socket's descriptor, as a `makefile()`'s name is; -1 without one."""
        return -1 if self.is_detached else self.its_socket.fileno()

    def fileno(self):
        """The socket's descriptor; it says nothing of what is buffered here."""
        self.check_open()
        return self.its_socket.fileno()

    def isatty(self):
        """False."""
        self.check_open()
        return False

    def readable(self):
        """True."""
        self.check_open()
        return True

    def writable(self):
        """True."""
        self.check_open()
        return True

    def seekable(self):
        """False: `seek`, `tell` and `truncate` raise io.UnsupportedOperation."""
        self.check_open()
        return False

    def seek(self, offset, whence=0, /):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise UnsupportedOperation("seek")

    def tell(self):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise UnsupportedOperation("tell")

    def truncate(self, size=None, /):
        """A socket has no positions: raises io.UnsupportedOperation."""
        raise UnsupportedOperation("truncate")

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        state = "detached" if self.is_detached else "closed" if self.is_closed else repr(self.its_socket)
        return f"<Stream {state}>"

    def __del__(self):
        if self.write_buffer is not None and self.write_buffer.unsent() > 0 and not self.is_closed:
            import warnings

            warnings.warn(
                f"dropped {self!r} with {self.write_buffer.unsent()} bytes written and not sent",
                ResourceWarning, source=self)
