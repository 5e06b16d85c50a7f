"""The heap of timers. The reasons are in timers.pyx."""

cdef int push(list heap, object timer) except -1
cdef object pop(list heap)
cdef object remove_cancelled(list heap)
