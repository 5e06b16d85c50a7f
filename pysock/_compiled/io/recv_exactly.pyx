"""recv_exactly, recv_exactly_into: receive all bytes, or raise an exception that has a part.

Each public function is a method: _compiled/socket.py lists it in `socket`. A socket that is not a
stream of a known family, or whose class overrides `recv` (TLS), is handled by the loops of
_shared/loops/, before any byte is received.
"""

import sys

from ..._shared import loops
from ..._shared.exceptions import IncompleteReadError

cimport cython

from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject

from ..core.buffers cimport acquire_writable_for
from ..core.bytes_object cimport bytes_data, cut_bytes, new_bytes
from ..core.deadline cimport Deadline, deadline_of
from ..core.progress cimport set_progress
from ..core.retry cimport transfer_whole
from ..core.socket_class cimport is_stream
from ..core.socket_object cimport socket
from ..sys.ps_io cimport ps_io, ps_recv
from ..sys.ps_wait cimport POLLIN

cdef object exc_info = sys.exc_info


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def recv_exactly(self, Py_ssize_t n, /, *, timeout=..., deadline=None):
        """recv_exactly(n, *, timeout=..., deadline=None) -> bytes

        Receive exactly *n* bytes, without a copy. Raises IncompleteReadError where the stream ends
        before. *timeout*, in seconds (None: no limit), or *deadline*, a `time.monotonic()`, is for the
        whole call. Without either of them the socket's timeout is for the whole call.

        Every exception has the bytes that came before it as `partial`, so no byte is lost. Raises
        TimeoutError, BlockingIOError, OSError (EOPNOTSUPP where the socket is not a stream), ValueError
        for a negative *n*. The call allocates *n* bytes at its start: check *n* first if the peer chose
        it.
        """
        cdef PyObject *data = NULL
        cdef ps_io io
        cdef Deadline until
        cdef int done = -1
        if n < 0:
            raise ValueError("negative buffersize in recv_exactly")
        if not is_stream(self, "recv"):
            return loops.transfer.recv_exactly(self, n, timeout=timeout, deadline=deadline)
        until = deadline_of(self, timeout, deadline)
        if n == 0:
            return b""
        io.len = io.likely = <size_t>n
        io.name = NULL
        io.msg = NULL
        io.flags = 0
        try:
            data = new_bytes(NULL, n)
            io.buf = bytes_data(data)
            done = transfer_whole(self, ps_recv, &io, POLLIN, until.timeout, &until.at)
        finally:
            if done < 0:
                set_progress(exc_info()[1], "partial",
                             cut_bytes(&data, <size_t>n - io.len) if data != NULL else b"")
        received = cut_bytes(&data, <size_t>n - io.len)
        if not done:
            raise IncompleteReadError(received, n)
        return received

    def recv_exactly_into(self, buffer, /, *, timeout=..., deadline=None):
        """recv_exactly_into(buffer, *, timeout=..., deadline=None) -> number of bytes

        Fill the whole of a writable *buffer*; the result is its size. *timeout* and *deadline* are as in
        `recv_exactly`, and so are the exceptions. Every exception has `bytes_received`, the number of
        bytes of the buffer that are filled. IncompleteReadError has these bytes as `partial`, too.
        """
        cdef Py_buffer view
        cdef ps_io io
        cdef Deadline until
        cdef int done = 0
        if not is_stream(self, "recv_into"):
            return loops.transfer.recv_exactly_into(self, buffer, timeout=timeout, deadline=deadline)
        until = deadline_of(self, timeout, deadline)
        acquire_writable_for(buffer, &view, "recv_exactly_into")
        io.buf = view.buf
        io.len = io.likely = <size_t>view.len
        io.name = NULL
        io.msg = NULL
        io.flags = 0
        try:
            if io.len > 0 and not transfer_whole(self, ps_recv, &io, POLLIN, until.timeout,
                                                 &until.at):
                partial = PyBytes_FromStringAndSize(<char *>view.buf, view.len - <Py_ssize_t>io.len)
                raise IncompleteReadError(partial, view.len)
            done = 1
            return view.len
        finally:
            if not done:
                set_progress(exc_info()[1], "bytes_received", view.len - <Py_ssize_t>io.len)
            PyBuffer_Release(&view)
