"""How long one call may take: `timeout=` and `deadline=` of the calls that have them.

Neither given, the call takes the socket's timeout, once for all its transfers: so a non-blocking
socket raises BlockingIOError. Either given, the call has a point in time after which it raises
TimeoutError, whatever the socket's own mode is. One that is past still moves what can be moved without
waiting, so `timeout=0` is that much; but a peer that always has more does not hold the call for long.
"""

from ..._shared import loops

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport ceil
from libc.stdint cimport INT64_MAX, int64_t

from .errors cimport raise_timed_out
from .socket_object cimport socket
from ..sys.ps_wait cimport ps_clock


cdef object NOT_GIVEN = ...

cdef enum:
    NS_PER_S = 1_000_000_000
    OVERTIME_MOST = 16  # transfers


cdef int64_t in_ns(object seconds) except? -1:
    """*seconds* rounded up, as `socket.settimeout` does it."""
    cdef double value = seconds
    if value != value:
        raise ValueError("Invalid value NaN (not a number)")
    if value >= INT64_MAX // NS_PER_S:
        return INT64_MAX
    if value <= -(INT64_MAX // NS_PER_S):
        return -INT64_MAX
    return <int64_t>ceil(value * NS_PER_S)


cdef Deadline deadline_of(socket sock, object timeout, object deadline) except *:
    """The deadline of a call on *sock* that was given these two.

    *timeout* is a number of seconds, None to block, or NOT_GIVEN; *deadline* a `time.monotonic()`,
    or None. TypeError for both at once, ValueError for a negative timeout.
    """
    cdef Deadline until
    cdef int64_t now
    until.at = 0
    until.overtime = 0
    if timeout is NOT_GIVEN and deadline is None:
        until.timeout = sock.sock_timeout
        return until
    if timeout is None and deadline is None:
        until.timeout = -1
        return until
    now = ps_clock()
    if deadline is None:
        until.timeout = in_ns(timeout)
        if until.timeout < 0:
            raise ValueError("Timeout value out of range")
        until.at = now + until.timeout if until.timeout < INT64_MAX - now else INT64_MAX
    elif timeout is NOT_GIVEN:
        until.at = max(in_ns(deadline), 1)
        until.timeout = until.at - now
    else:
        raise TypeError("timeout and deadline are two ways to say one thing: give one of them")
    until.timeout = max(until.timeout, 1)  # 0 would mean never to wait, and another exception
    return until


cdef int start_counting(Deadline *until) noexcept:
    """The first wait, or what stands for it, is now."""
    cdef int64_t now
    if until.timeout > 0 and until.at == 0:
        now = ps_clock()
        until.at = now + min(until.timeout, INT64_MAX - now)
    return 0


cdef int between_transfers(Deadline *until) except -1:
    """Between two transfers of one call: run signal handlers, and raise if the time is long over.

    A peer that always has something ready would otherwise never let the call look at its clock.
    """
    PyErr_CheckSignals()
    if until.at == 0:
        start_counting(until)
    elif until.timeout > 0 and ps_clock() >= until.at:
        until.overtime += 1
        if until.overtime > OVERTIME_MOST:
            raise_timed_out()
    return 0


cdef object call_overridden(socket sock, object method, object argument, int events, Deadline *until):
    """Call a *method* of the socket's own class, which waits by itself, with this deadline."""
    cdef object seconds = NOT_GIVEN
    cdef bint is_its_own = until.at == 0 and until.timeout == sock.sock_timeout
    start_counting(until)
    if until.timeout != 0 and not is_its_own:
        seconds = None if until.timeout < 0 else (until.at - ps_clock()) / 1e9
    return loops.overridden.call(sock, seconds, events, method, argument)
