"""The slots of a DatagramBatch, and the messages that the last receive wrote into them.

Only csrc computes the addresses of slots (ps_inbox_lay).
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free

from ..sys.ps_batch cimport (
    PS_LINE, PS_MAX_UDP, ps_aligned, ps_arrival, ps_inbox_arrival, ps_inbox_free, ps_inbox_init,
    ps_inbox_lay,
)


cdef enum:
    MAX_SLOTS = 1 << 16


cdef class Arena:
    """The memory of the slots. A batch and its datagrams have references to it."""
    def __cinit__(self, size_t size):
        self.memory = <char *>PyMem_Calloc(size + PS_LINE, 1)  # large: not mapped before use
        if self.memory == NULL:
            raise MemoryError()
        self.size = size

    def __dealloc__(self):
        PyMem_Free(self.memory)


cdef class Slots:
    """The base of `DatagramBatch`: the part that neither receives nor sends."""

    def __cinit__(self, Py_ssize_t slots, Py_ssize_t slot_size):
        if not 1 <= slots <= MAX_SLOTS:
            raise ValueError(f"slots must be 1 to {MAX_SLOTS}")
        if not 1 <= slot_size <= PS_MAX_UDP:
            raise ValueError(f"slot_size must be 1 to {PS_MAX_UDP}")
        self.slot_size = <size_t>slot_size
        self.arrivals = <ps_arrival *>PyMem_Calloc(<size_t>slots, sizeof(ps_arrival))
        self.first_index = <size_t *>PyMem_Calloc(<size_t>slots + 1, sizeof(size_t))
        if (self.arrivals == NULL or self.first_index == NULL
                or ps_inbox_init(&self.inbox, <size_t>slots) < 0):
            raise MemoryError()
        self.allocate_arena(self.slot_size)

    def __dealloc__(self):
        ps_inbox_free(&self.inbox)
        PyMem_Free(self.arrivals)
        PyMem_Free(self.first_index)

    cdef int allocate_arena(self, size_t slot_bytes) except -1:
        """Use a new arena with *slot_bytes* bytes a slot. Datagrams keep the old one alive."""
        cdef Arena arena = Arena(self.inbox.slots * slot_bytes)
        self.messages = 0
        if ps_inbox_lay(&self.inbox, ps_aligned(arena.memory), arena.size, slot_bytes) < 0:
            raise MemoryError()
        self.arena = arena
        return 0

    cdef int set_busy(self) except -1:
        if self.busy:
            raise RuntimeError("the batch is in use")
        self.busy = True
        return 0

    cdef Py_ssize_t count(self) noexcept:
        return <Py_ssize_t>self.first_index[self.messages]

    cdef size_t message_of(self, size_t index) noexcept:
        """The message of datagram *index*, which must exist."""
        cdef size_t low, high, middle
        if self.joined == 0:
            return index
        low = 0
        high = self.messages
        while high - low > 1:
            middle = (low + high) // 2
            if self.first_index[middle] <= index:
                low = middle
            else:
                high = middle
        return low

    cdef int count_arrivals(self) except -1:
        """Describe all messages of the last receive, and number their datagrams."""
        cdef size_t total = 0
        self.joined = 0
        while ps_inbox_arrival(&self.inbox, self.messages, &self.arrivals[self.messages]) == 0:
            self.joined += self.arrivals[self.messages].datagrams > 1
            self.first_index[self.messages] = total
            total += self.arrivals[self.messages].datagrams
            self.messages += 1
        self.first_index[self.messages] = total
        return 0
