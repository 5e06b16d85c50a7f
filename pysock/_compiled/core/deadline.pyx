"""The deadline of one call, from its `timeout=` or `deadline=` argument.

A call without either of them uses the socket's timeout, once for all its transfers. On a non-blocking
socket it raises BlockingIOError. A call with one of them raises TimeoutError after that time, whatever
mode the socket is in. A deadline in the past still allows transfers that need not wait, and so does
`timeout=0`. Their number is limited to MAX_LATE_TRANSFERS, because a peer that always has more data
could otherwise keep the call going for ever.
"""

from ..._shared import loops

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport ceil
from libc.stdint cimport INT64_MAX, int64_t

from .errors cimport raise_timed_out
from .retry cimport start_deadline
from .socket_object cimport socket
from ..sys.ps_wait cimport ps_clock


cdef object NOT_GIVEN = ...

cdef enum:
    NS_PER_S = 1_000_000_000
    MAX_LATE_TRANSFERS = 16


cdef int64_t as_ns(object seconds) except? -1:
    """*seconds* in ns, rounded up as in `socket.settimeout`."""
    cdef double value = seconds
    if value != value:
        raise ValueError("Invalid value NaN (not a number)")
    if value >= INT64_MAX // NS_PER_S:
        return INT64_MAX
    if value <= -(INT64_MAX // NS_PER_S):
        return -INT64_MAX
    return <int64_t>ceil(value * NS_PER_S)


cdef Deadline deadline_of(socket sock, object timeout, object deadline) except *:
    """The deadline of a call on *sock* with these two arguments.

    *timeout* is a number of seconds, None to block, or NOT_GIVEN. *deadline* is a `time.monotonic()`,
    or None. Raises TypeError where both are given, and ValueError for a negative timeout.
    """
    cdef Deadline until
    cdef int64_t now
    until.at = 0
    until.late_transfers = 0
    if timeout is NOT_GIVEN and deadline is None:
        until.timeout = sock.sock_timeout
        return until
    if timeout is None and deadline is None:
        until.timeout = -1
        return until
    now = ps_clock()
    if deadline is None:
        until.timeout = as_ns(timeout)
        if until.timeout < 0:
            raise ValueError("Timeout value out of range")
        until.at = now + until.timeout if until.timeout < INT64_MAX - now else INT64_MAX
    elif timeout is NOT_GIVEN:
        until.at = max(as_ns(deadline), 1)
        until.timeout = until.at - now
    else:
        raise TypeError("timeout and deadline are two ways to say one thing: give one of them")
    until.timeout = max(until.timeout, 1)  # 0 would mean a non-blocking call: BlockingIOError
    return until


cdef inline void start(Deadline *until) noexcept:
    """Count the timeout from now on, unless it is counted already."""
    if until.timeout > 0 and until.at == 0:
        start_deadline(&until.at, until.timeout, ps_clock())


cdef int between_transfers(Deadline *until) except -1:
    """Run signal handlers between two transfers of one call, and raise TimeoutError if it is late.

    The clock is read only before a wait. A call whose transfers never wait, because the peer always
    has more data, must read it here.
    """
    PyErr_CheckSignals()
    if until.at == 0:
        start(until)
    elif until.timeout > 0 and ps_clock() >= until.at:
        until.late_transfers += 1
        if until.late_transfers > MAX_LATE_TRANSFERS:
            raise_timed_out()
    return 0


cdef object call_overridden(socket sock, object method, object argument, int events, Deadline *until):
    """Call *method*, with which the class of *sock* overrides pysock's, and limit it to *until*.

    The method waits by itself, for as long as the socket's timeout. So the socket's timeout is changed
    during the call, unless it is the same.
    """
    cdef object seconds = NOT_GIVEN
    cdef bint is_sockets_timeout = until.at == 0 and until.timeout == sock.sock_timeout
    start(until)
    if until.timeout != 0 and not is_sockets_timeout:
        seconds = None if until.timeout < 0 else (until.at - ps_clock()) / 1e9
    return loops.overridden.call(sock, seconds, events, method, argument)
