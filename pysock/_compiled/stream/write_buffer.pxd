"""The writing half of a stream: what has been written and not yet been sent."""

from ..core.deadline cimport Patience
from ..core.socket_object cimport socket
from .lock cimport Turn


cdef class Outflow:
    cdef socket sock
    cdef bint direct          # sent by csrc; otherwise by the socket's own send
    cdef Turn turn
    cdef char *memory
    cdef size_t capacity
    cdef size_t start, stop   # memory[start:stop] is unsent

    cdef size_t unsent(self) noexcept
    cdef size_t keep(self, const char *data, size_t count) except? 0
    cdef size_t send(self, const char *data, size_t count, Patience *patience) except? 0
    cdef int send_by_method(self, Patience *patience) except -1
    cdef int write(self, const char *data, size_t count, size_t *taken, Patience *patience) except -1
    cdef int flush(self, Patience *patience) except -1
