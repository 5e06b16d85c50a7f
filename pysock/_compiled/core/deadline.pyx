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


cdef Patience patience_of(socket sock, object timeout, object deadline) except *:
    """The patience of a call on *sock* that was given these two.

    *timeout* is a number of seconds, None to block, or NOT_GIVEN; *deadline* a `time.monotonic()`,
    or None. TypeError for both at once, ValueError for a negative timeout.
    """
    cdef Patience patience
    cdef int64_t now
    patience.deadline = 0
    patience.overtime = 0
    if timeout is NOT_GIVEN and deadline is None:
        patience.timeout = sock.sock_timeout
        return patience
    if timeout is None and deadline is None:
        patience.timeout = -1
        return patience
    now = ps_clock()
    if deadline is None:
        patience.timeout = in_ns(timeout)
        if patience.timeout < 0:
            raise ValueError("Timeout value out of range")
        patience.deadline = now + patience.timeout if patience.timeout < INT64_MAX - now else INT64_MAX
    elif timeout is NOT_GIVEN:
        patience.deadline = max(in_ns(deadline), 1)
        patience.timeout = patience.deadline - now
    else:
        raise TypeError("timeout and deadline are two ways to say one thing: give one of them")
    patience.timeout = max(patience.timeout, 1)  # 0 would mean never to wait, and another exception
    return patience


cdef int start_counting(Patience *patience) noexcept:
    """The first wait, or what stands for it, is now."""
    cdef int64_t now
    if patience.timeout > 0 and patience.deadline == 0:
        now = ps_clock()
        patience.deadline = now + min(patience.timeout, INT64_MAX - now)
    return 0


cdef int press_on(Patience *patience) except -1:
    """Between two transfers of one call: run signal handlers, and raise if the time is long over.

    A peer that always has something ready would otherwise never let the call look at its clock.
    """
    PyErr_CheckSignals()
    if patience.deadline == 0:
        start_counting(patience)
    elif patience.timeout > 0 and ps_clock() >= patience.deadline:
        patience.overtime += 1
        if patience.overtime > OVERTIME_MOST:
            raise_timed_out()
    return 0


cdef object call_own(socket sock, object method, object argument, int events, Patience *patience):
    """Call a *method* of the socket's own class, which waits by itself, with this patience."""
    cdef object seconds = NOT_GIVEN
    cdef bint is_its_own = patience.deadline == 0 and patience.timeout == sock.sock_timeout
    start_counting(patience)
    if patience.timeout != 0 and not is_its_own:
        seconds = None if patience.timeout < 0 else (patience.deadline - ps_clock()) / 1e9
    return loops.overridden.call(sock, seconds, events, method, argument)
