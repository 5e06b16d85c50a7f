"""One datagram of a DatagramBatch."""

from ..sys.ps_batch cimport ps_arrival
from ..sys.ps_meta cimport ps_meta
from .slots cimport Arena, Slots


cdef class Datagram:
    cdef Slots batch
    cdef Arena arena
    cdef unsigned long generation
    cdef size_t message
    cdef char *data
    cdef size_t length
    cdef bint is_cut
    cdef bint parsed
    cdef ps_meta meta

    cdef bint is_stale(self) noexcept
    cdef ps_arrival *arrival(self) except NULL
    cdef const ps_meta *parsed_meta(self) except NULL


cdef Datagram new_datagram(Slots batch, size_t index)
