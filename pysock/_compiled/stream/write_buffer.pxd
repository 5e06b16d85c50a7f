"""The writing half of a stream: what has been written and not yet been sent."""

from ..core.deadline cimport Deadline
from ..core.socket_object cimport socket
from .lock cimport Lock


cdef class WriteBuffer:
    cdef socket sock
    cdef bint direct          # sent by csrc; otherwise by the socket's own send
    cdef Lock lock
    cdef char *memory
    cdef size_t capacity
    cdef size_t start, stop   # memory[start:stop] is unsent

    cdef size_t unsent(self) noexcept
    cdef size_t append(self, const char *data, size_t count) except? 0
    cdef size_t send(self, const char *data, size_t count, Deadline *until) except? 0
    cdef int send_by_method(self, Deadline *until) except -1
    cdef int write(self, const char *data, size_t count, size_t *taken, Deadline *until) except -1
    cdef int flush(self, Deadline *until) except -1
