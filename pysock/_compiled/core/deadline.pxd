"""How long one call may take: the socket's own timeout, or what the call was given."""

from libc.stdint cimport int64_t

from .socket_object cimport socket


cdef struct Deadline:
    int64_t timeout  # ns, as retry.transfer_within takes it: negative to block, 0 never to wait
    int64_t at       # the ps_clock() at which to give up; 0: counted from the first wait
    int overtime     # transfers that were made after it

cdef object NOT_GIVEN

cdef Deadline deadline_of(socket sock, object timeout, object deadline) except *
cdef int between_transfers(Deadline *until) except -1
cdef object call_overridden(socket sock, object method, object argument, int events, Deadline *until)
