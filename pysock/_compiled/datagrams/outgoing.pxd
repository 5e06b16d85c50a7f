"""Datagrams to be sent, with all that they point to held in place."""

from cpython.buffer cimport Py_buffer

from ..core.socket_object cimport socket
from ..sys.ps_addr cimport ps_sockaddr
from ..sys.ps_batch cimport ps_piece


cdef class Outgoing:
    cdef ps_piece *pieces
    cdef Py_ssize_t count
    cdef Py_ssize_t room      # pieces that there is memory for
    cdef size_t total         # bytes of all pieces
    cdef bint several_peers
    cdef Py_buffer *views     # held while this object lives
    cdef Py_ssize_t held
    cdef ps_sockaddr *names
    cdef Py_ssize_t named

    cdef int make_room(self, Py_ssize_t count) except -1
    cdef ps_piece *add(self, object data) except NULL
    cdef ps_piece *add_memory(self, const char *data, size_t length) noexcept
    cdef const ps_sockaddr *add_name(self, socket sock, object address, int *length) except? NULL
    cdef bint is_connected(self, socket sock) noexcept
    cdef ssize_t send(self, socket sock, int flags, bint count_bytes) except -1
