"""Datagrams to be sent, and the buffers and addresses that they point to.

`add_buffer` and `add_name` do all that may run Python code (`__buffer__`, for example), before the
first datagram is sent. `send` only sends.

After an error the call returns how many datagrams were sent before it, and the next call on the socket
raises the error. sendmmsg(2) drops an error that follows a success. So a connected socket, which gets
ICMP errors, makes one system call for each message.
"""

from ..._shared.socket_state import entries, defer_error, raise_deferred, refuse_gso

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.errno cimport EAGAIN, EINTR
from libc.stdint cimport int64_t

from ..core.retry cimport transfer
from .capabilities cimport gso_segments
from ..core.sockaddr cimport pack_address
from ..core.socket_object cimport fd_ptr_of, socket
from ..sys.ps_addr cimport ps_sockaddr, socklen_t
from ..sys.ps_batch cimport ps_outbox, ps_outbox_init, ps_piece, ps_send_batch
from ..sys.ps_io cimport ps_io
from ..sys.ps_socket cimport ps_getpeername
from ..sys.ps_wait cimport POLLOUT, ps_clock


cdef class Outgoing:
    def __cinit__(self):
        self.pieces = NULL
        self.count = 0
        self.total = 0
        self.several_peers = False
        self.views = NULL
        self.view_count = 0
        self.names = NULL
        self.name_count = 0

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.view_count):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.pieces)
        PyMem_Free(self.views)
        PyMem_Free(self.names)

    cdef int allocate(self, Py_ssize_t capacity) except -1:
        """Allocate memory for *capacity* pieces. There can be no more views or addresses than pieces."""
        self.pieces = <ps_piece *>PyMem_Calloc(<size_t>max(capacity, 1), sizeof(ps_piece))
        if self.pieces == NULL:
            raise MemoryError()
        self.capacity = capacity
        return 0

    cdef ps_piece *add_memory(self, const char *data, size_t length) noexcept:
        cdef ps_piece *piece = &self.pieces[self.count]
        piece.data = data
        piece.len = length
        self.total += length
        self.count += 1
        return piece

    cdef ps_piece *add_buffer(self, object data) except NULL:
        """Add the bytes of *data*. The caller must keep a reference to it."""
        cdef Py_buffer *view
        if PyBytes_CheckExact(data):
            return self.add_memory(PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data))
        if self.views == NULL:
            self.views = <Py_buffer *>PyMem_Malloc(<size_t>self.capacity * sizeof(Py_buffer))
            if self.views == NULL:
                raise MemoryError()
        view = &self.views[self.view_count]
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
        self.view_count += 1
        return self.add_memory(<const char *>view.buf, <size_t>view.len)

    cdef const ps_sockaddr *add_name(self, socket sock, object address, int *length) except? NULL:
        """Pack *address*; NULL without an exception where `pack_address` does not accept its form."""
        cdef ps_sockaddr *name
        if self.names == NULL:
            self.names = <ps_sockaddr *>PyMem_Malloc(<size_t>(self.capacity + 1) * sizeof(ps_sockaddr))
            if self.names == NULL:
                raise MemoryError()
        name = &self.names[self.name_count]
        length[0] = pack_address(sock.sock_family, address, name)
        if length[0] == 0:
            return NULL
        self.name_count += 1
        return name

    cdef bint is_connected(self, socket sock) noexcept:
        cdef ps_sockaddr peer
        cdef socklen_t length
        return self.pieces[0].name == NULL or ps_getpeername(sock.sock_fd, &peer, &length) == 0

    cdef ssize_t send(self, socket sock, int flags, bint count_bytes) except -1:
        """Send all pieces; return the number of datagrams, or of bytes, that were sent.

        These are fewer than all after the socket's timeout, where the send buffer of a non-blocking
        socket is full, and after an error. Raises an exception if none was sent, and that of a signal
        handler.
        """
        cdef ps_outbox outbox
        cdef ps_io io
        cdef int64_t deadline = 0
        if entries:
            raise_deferred(sock)
        if self.count == 0:
            return 0
        ps_outbox_init(&outbox, fd_ptr_of(sock), self.pieces, <size_t>self.count,
                       <size_t>gso_segments(sock))
        outbox.one_by_one = (not self.several_peers and outbox.segments > 1
                             or self.is_connected(sock))
        io.buf = &outbox
        io.len = self.total
        io.flags = flags
        while outbox.at.piece < <size_t>self.count:
            io.likely = self.total - outbox.bytes
            outbox.error = 0
            try:
                transfer(sock, ps_send_batch, &io, POLLOUT, &deadline)
            except Exception as error:
                if outbox.sent == 0:
                    raise
                if not is_end_of_send(sock, &outbox, deadline, error):
                    raise
                if outbox.error != EAGAIN and outbox.error != 0:
                    defer_error(sock, error)
                break
        if outbox.refused:
            refuse_gso(sock)
        return <ssize_t>(outbox.bytes if count_bytes else outbox.sent)


cdef bint is_end_of_send(socket sock, const ps_outbox *outbox, int64_t deadline, object error):
    """Whether the send itself has raised *error*, and not a signal handler."""
    if outbox.error == EAGAIN or outbox.error == 0:
        return (isinstance(error, (BlockingIOError, TimeoutError))
                and (sock.sock_timeout <= 0 or 0 < deadline <= ps_clock()))
    return outbox.error != EINTR
