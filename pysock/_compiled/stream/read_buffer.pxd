"""The reading half of a stream: what has been received and not yet been read."""

from ..core.deadline cimport Deadline
from ..core.socket_object cimport socket
from .lock cimport Lock


cdef bint is_direct(socket sock) except -1

cdef class ReadBuffer:
    cdef socket sock
    cdef bint direct          # received by csrc; otherwise by the socket's own recv_into
    cdef object room          # of a socket that is not direct: what its recv_into writes into
    cdef Lock lock
    cdef char *memory
    cdef size_t capacity
    cdef size_t buffer_size   # the capacity there is at least, and is gone back to
    cdef size_t start, stop   # memory[start:stop] is unread
    cdef size_t came_last     # bytes of the last receive

    cdef size_t unread(self) noexcept
    cdef bytes consume(self, size_t count)
    cdef int reserve(self, size_t capacity) except -1
    cdef ssize_t receive(self, char *target, size_t count, Deadline *until) except -1
    cdef ssize_t receive_by_method(self, char *target, size_t count, Deadline *until) except -1
    cdef ssize_t refill(self, Deadline *until) except -1
    cdef int fill_to(self, size_t count, Deadline *until) except -1
    cdef ssize_t read_into(self, char *target, size_t count, Deadline *until) except -1
    cdef bytes line_at_hand(self, Py_ssize_t most)
    cdef bytes read_line(self, Py_ssize_t most, Deadline *until)
    cdef bytes read_until(self, list separators, size_t limit, Deadline *until)
    cdef bytes read_all(self, Deadline *until)
