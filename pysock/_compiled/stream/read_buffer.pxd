"""The read buffer of a stream: bytes that were received and not yet read."""

from ..core.deadline cimport Deadline
from ..core.socket_object cimport socket
from .lock cimport Lock


cdef bint is_direct(socket sock) except -1

cdef class ReadBuffer:
    cdef socket sock
    cdef bint direct          # csrc receives; otherwise the class's own recv_into() does
    cdef object method_buffer # recv_into() of a socket that is not direct writes into it
    cdef Lock lock
    cdef char *memory
    cdef size_t capacity
    cdef size_t buffer_size   # the minimum capacity, which an empty buffer returns to
    cdef size_t start, stop   # memory[start:stop] is unread
    cdef size_t last_received # bytes that the last receive returned

    cdef size_t unread(self) noexcept
    cdef bytes consume(self, size_t count)
    cdef int reserve(self, size_t capacity) except -1
    cdef ssize_t receive(self, char *target, size_t count, Deadline *until) except -1
    cdef ssize_t receive_by_method(self, char *target, size_t count, Deadline *until) except -1
    cdef ssize_t refill(self, Deadline *until) except -1
    cdef int fill_to(self, size_t count, Deadline *until) except -1
    cdef ssize_t read_into(self, char *target, size_t count, Deadline *until) except -1
    cdef bytes buffered_line(self, Py_ssize_t max_bytes)
    cdef bytes read_line(self, Py_ssize_t max_bytes, Deadline *until)
    cdef bytes read_until(self, list separators, size_t limit, Deadline *until)
    cdef bytes read_all(self, Deadline *until)
