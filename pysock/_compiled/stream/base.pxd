"""What a stream is beside reading and writing."""

from ..core.deadline cimport Patience
from .read_buffer cimport Inflow
from .write_buffer cimport Outflow
from ..core.socket_object cimport socket
from ..core.threads cimport shared_int


cdef class StreamBase:
    cdef socket its_socket
    cdef shared_int is_detached
    cdef shared_int is_closed
    cdef Inflow inflow
    cdef Outflow outflow
    cdef size_t limit       # bytes that readuntil searches
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef Patience patience(self, object timeout, object deadline) except *
