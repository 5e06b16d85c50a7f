"""The write buffer of a stream: bytes that were written and not yet sent."""

from ..core.deadline cimport Deadline
from ..core.socket_object cimport socket
from .lock cimport Lock


cdef class WriteBuffer:
    cdef socket sock
    cdef bint direct          # csrc sends; otherwise the class's own send() does
    cdef Lock lock
    cdef char *memory
    cdef size_t capacity
    cdef size_t start, stop   # memory[start:stop] is unsent

    cdef size_t unsent(self) noexcept
    cdef size_t append(self, const char *data, size_t count) except? 0
    cdef size_t send(self, const char *data, size_t count, Deadline *until) except? 0
    cdef int send_by_method(self, Deadline *until) except -1
    cdef int write(self, const char *data, size_t count, size_t *accepted,
                   Deadline *until) except -1
    cdef int flush(self, Deadline *until) except -1
