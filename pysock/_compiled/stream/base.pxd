"""The part of a stream that neither reads nor writes."""

from ..core.deadline cimport Deadline
from .read_buffer cimport ReadBuffer
from .write_buffer cimport WriteBuffer
from ..core.socket_object cimport socket
from ..core.threads cimport shared_int


cdef class StreamBase:
    cdef socket stream_socket
    cdef shared_int is_detached
    cdef shared_int is_closed
    cdef ReadBuffer read_buffer
    cdef WriteBuffer write_buffer
    cdef size_t limit       # bytes that readuntil() searches
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef Deadline deadline_of_call(self, object timeout, object deadline) except *
