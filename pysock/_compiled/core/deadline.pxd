"""The deadline of one call: from its own arguments, or from the socket's timeout."""

from libc.stdint cimport int64_t

from .socket_object cimport socket


cdef struct Deadline:
    int64_t timeout     # ns, as for retry.transfer_within: negative to block, 0 never to wait
    int64_t at          # the ps_clock() at which to give up; 0 until the first wait sets it
    int late_transfers  # transfers that were made after it

cdef object NOT_GIVEN

cdef Deadline deadline_of(socket sock, object timeout, object deadline) except *
cdef int between_transfers(Deadline *until) except -1
cdef object call_overridden(socket sock, object method, object argument, int events, Deadline *until)
