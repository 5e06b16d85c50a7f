"""The reading half of a stream: what has been received and not yet been read."""

from ..core.deadline cimport Patience
from ..core.socket_object cimport socket
from .lock cimport Turn


cdef bint is_direct(socket sock) except -1

cdef class Inflow:
    cdef socket sock
    cdef bint direct          # received by csrc; otherwise by the socket's own recv_into
    cdef object room          # of a socket that is not direct: what its recv_into writes into
    cdef Turn turn
    cdef char *memory
    cdef size_t capacity
    cdef size_t buffer_size   # the capacity there is at least, and is gone back to
    cdef size_t start, stop   # memory[start:stop] is unread
    cdef size_t came_last     # bytes of the last receive

    cdef size_t unread(self) noexcept
    cdef bytes take(self, size_t count)
    cdef int reserve(self, size_t capacity) except -1
    cdef ssize_t receive(self, char *target, size_t count, Patience *patience) except -1
    cdef ssize_t receive_by_method(self, char *target, size_t count, Patience *patience) except -1
    cdef ssize_t refill(self, Patience *patience) except -1
    cdef int fill_to(self, size_t count, Patience *patience) except -1
    cdef ssize_t read_into(self, char *target, size_t count, Patience *patience) except -1
    cdef bytes line_at_hand(self, Py_ssize_t most)
    cdef bytes read_line(self, Py_ssize_t most, Patience *patience)
    cdef bytes read_until(self, list separators, size_t limit, Patience *patience)
    cdef bytes read_all(self, Patience *patience)
