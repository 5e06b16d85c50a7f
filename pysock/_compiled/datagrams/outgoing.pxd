"""Datagrams to be sent, and the buffers and addresses that they point to."""

from cpython.buffer cimport Py_buffer

from ..core.socket_object cimport socket
from ..sys.ps_addr cimport ps_sockaddr
from ..sys.ps_batch cimport ps_piece


cdef class Outgoing:
    cdef ps_piece *pieces
    cdef Py_ssize_t count
    cdef Py_ssize_t capacity  # pieces that there is memory for
    cdef size_t total         # bytes of all pieces
    cdef bint several_peers
    cdef Py_buffer *views     # released when this object is deallocated
    cdef Py_ssize_t view_count
    cdef ps_sockaddr *names
    cdef Py_ssize_t name_count

    cdef int allocate(self, Py_ssize_t capacity) except -1
    cdef ps_piece *add_buffer(self, object data) except NULL
    cdef ps_piece *add_memory(self, const char *data, size_t length) noexcept
    cdef const ps_sockaddr *add_name(self, socket sock, object address, int *length) except? NULL
    cdef bint is_connected(self, socket sock) noexcept
    cdef ssize_t send(self, socket sock, int flags, bint count_bytes) except -1
