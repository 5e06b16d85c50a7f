"""The slots of a DatagramBatch, and the messages that the last receive wrote into them."""

from ..sys.ps_batch cimport ps_arrival, ps_inbox


cdef class Arena:
    cdef char *memory
    cdef size_t size


cdef class Slots:
    cdef ps_inbox inbox
    cdef ps_arrival *arrivals      # of each message that came
    cdef size_t *first_index       # by message: the index of its first datagram; then their count
    cdef Arena arena
    cdef size_t slot_size
    cdef size_t messages           # that the last receive returned
    cdef size_t joined             # how many of these have several datagrams
    cdef unsigned long generation  # the number of the receive, which its datagrams have, too
    cdef bint busy

    cdef int allocate_arena(self, size_t slot_bytes) except -1
    cdef int set_busy(self) except -1
    cdef Py_ssize_t count(self) noexcept
    cdef size_t message_of(self, size_t index) noexcept
    cdef int count_arrivals(self) except -1
