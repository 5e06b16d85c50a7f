"""asyncio's handles, made and run. The reasons are in handle.pyx."""

cdef object Handle, TimerHandle

ctypedef int (*c_callback)(object argument) except -1

cdef int add_direct_callback(object function, c_callback callback) except -1
cdef object new_handle(object callback, tuple arguments, object loop, object context)
cdef object new_timer(object when, object callback, tuple arguments, object loop, object context)
cdef int cancel(object handle) except -1
cdef bint is_cancelled(object handle) except -1
cdef bint is_timer(object handle) except -1
cdef object when_of(object timer)
cdef int set_scheduled(object timer, bint scheduled) except -1
cdef int run(object handle) except -1
cdef bint has_original_handles() except -1
