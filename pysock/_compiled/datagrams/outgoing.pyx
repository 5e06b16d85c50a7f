"""Datagrams to be sent, with all that they point to held in place.

Everything that could run Python code (`__buffer__`, for a start) is over before the first datagram
goes out: `add` and `add_name` take hold of one thing after the other, `send` only sends.

An error after some datagrams went out is not the answer to this call, which returns how many did,
but to the next one on the socket. For the error not to get lost in the kernel, a connected socket
makes one system call a message: sendmmsg(2) forgets an error that comes after a success.
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
        self.held = 0
        self.names = NULL
        self.named = 0

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.held):
            PyBuffer_Release(&self.views[i])
        PyMem_Free(self.pieces)
        PyMem_Free(self.views)
        PyMem_Free(self.names)

    cdef int make_room(self, Py_ssize_t count) except -1:
        """For so many pieces; nothing has more of anything than that."""
        self.pieces = <ps_piece *>PyMem_Calloc(<size_t>max(count, 1), sizeof(ps_piece))
        if self.pieces == NULL:
            raise MemoryError()
        self.room = count
        return 0

    cdef ps_piece *add_memory(self, const char *data, size_t length) noexcept:
        cdef ps_piece *piece = &self.pieces[self.count]
        piece.data = data
        piece.len = length
        self.total += length
        self.count += 1
        return piece

    cdef ps_piece *add(self, object data) except NULL:
        """The bytes of *data*, which the caller keeps alive."""
        cdef Py_buffer *view
        if PyBytes_CheckExact(data):
            return self.add_memory(PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data))
        if self.views == NULL:
            self.views = <Py_buffer *>PyMem_Malloc(<size_t>self.room * sizeof(Py_buffer))
            if self.views == NULL:
                raise MemoryError()
        view = &self.views[self.held]
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
        self.held += 1
        return self.add_memory(<const char *>view.buf, <size_t>view.len)

    cdef const ps_sockaddr *add_name(self, socket sock, object address, int *length) except? NULL:
        """*address* packed; NULL, and no exception, where it is not of the plain forms."""
        cdef ps_sockaddr *name
        if self.names == NULL:
            self.names = <ps_sockaddr *>PyMem_Malloc(<size_t>(self.room + 1) * sizeof(ps_sockaddr))
            if self.names == NULL:
                raise MemoryError()
        name = &self.names[self.named]
        length[0] = pack_address(sock.sock_family, address, name)
        if length[0] == 0:
            return NULL
        self.named += 1
        return name

    cdef bint is_connected(self, socket sock) noexcept:
        cdef ps_sockaddr peer
        cdef socklen_t length
        return self.pieces[0].name == NULL or ps_getpeername(sock.sock_fd, &peer, &length) == 0

    cdef ssize_t send(self, socket sock, int flags, bint count_bytes) except -1:
        """Send all pieces: the number of datagrams, or of bytes, that went out.

        Fewer than all where the socket's timeout ended, or it is non-blocking and full, or an error
        came. An exception when nothing went out, and where a signal's handler raised one.
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
                if not is_over(sock, &outbox, deadline, error):
                    raise
                if outbox.error != EAGAIN and outbox.error != 0:
                    defer_error(sock, error)
                break
        if outbox.refused:
            refuse_gso(sock)
        return <ssize_t>(outbox.bytes if count_bytes else outbox.sent)


cdef bint is_over(socket sock, const ps_outbox *outbox, int64_t deadline, object error):
    """Is *error* the end of this send, and not what a signal's handler raised?"""
    if outbox.error == EAGAIN or outbox.error == 0:
        return (isinstance(error, (BlockingIOError, TimeoutError))
                and (sock.sock_timeout <= 0 or 0 < deadline <= ps_clock()))
    return outbox.error != EINTR
