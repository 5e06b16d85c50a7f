"""What the modules of this room need of the loop. The reasons are in loop.pyx."""

from libc.stdint cimport int64_t

from ..core.member cimport member


cdef class LoopState:
    cdef Py_ssize_t attribute_count  # entries of the loop's `__dict__` when it was looked through
    cdef int64_t monitored_at        # ns: when it was looked last whether a tool monitors the program
    cdef bint is_monitored
    cdef bint coalesces_writes
    cdef bint is_running             # a callback runs
    # What was given data by the callback that runs: None, a transport, or a list of transports.
    cdef object unflushed
    # Memory for what TLS receives and decrypts, which is copied from there. None while it is in use.
    cdef bytearray buffer
    # What `metrics()` tells.
    cdef int64_t turns, callbacks, waited, busy, longest_turn

# The slots of a loop.
cdef member *READY
cdef member *SCHEDULED
cdef member *STOPPING
cdef member *SELECTOR
cdef member *CANCELLED_COUNT
cdef member *CLOCK_RESOLUTION

ctypedef int (*transport_flusher)(object transport) except -1

cdef transport_flusher flush_transport  # socket_transport.pyx sets it

cdef LoopState state_of(object loop)
cdef bytearray buffer_of(LoopState state)
cdef bytearray take_buffer(LoopState state)
cdef LoopState coalescing_state_of(object loop)
cdef bint is_plain_selector(object selector) except -1
cdef int flush_transports(LoopState state) except -1
cdef object now(object loop)
cdef object selector_of(object loop)
cdef bint is_closed(object loop) except -1
cdef int check_closed(object loop) except -1
cdef bint is_debug(object loop) except -1
cdef bint is_observed(object loop) except -1
cdef bint is_plain(object loop) except -1
cdef bint may_run_turn(object loop) except -1
cdef bint may_schedule(object loop) except -1
cdef object create_future_of(object loop)
cdef object without_own_entry(object handle, int place=*)
cdef object call_soon_plain(object loop, object callback, tuple arguments, object context)
