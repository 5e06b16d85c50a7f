"""How long one call may take: `timeout=` and `deadline=` of the calls that have them.

Neither given, the call takes the socket's timeout, once for all its transfers: so a non-blocking
socket raises BlockingIOError. Either given, the call has a point in time after which it raises
TimeoutError, whatever the socket's own mode is. One that is past still moves what can be moved without
waiting, so `timeout=0` is that much; but a peer that always has more does not hold the call for long.
"""

cimport cython

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport ceil
from libc.stdint cimport INT64_MAX, int64_t

from ._errors cimport raise_timed_out
from ._sockobject cimport socket
from .ps_wait cimport ps_clock


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


cdef class LentTimeout:
    """The timeout of a socket, lent to calls that each have a time of their own.

    A method that waits by itself, as those of ssl.SSLSocket do, knows no timeout but its socket's. One
    thread may read by such a method while another writes: who comes last puts back what was there
    before the first.
    """

    def __cinit__(self, socket sock not None):
        self.sock = sock
        self.own = None
        self.lent = 0

    cdef Patience patience_of(self, object timeout, object deadline) except *:
        """As the function; what the socket has just now may be another call's."""
        if timeout is NOT_GIVEN and deadline is None:
            with cython.critical_section(self):
                if self.lent > 0 and self.own != 0:
                    timeout = self.own
        return patience_of(self.sock, timeout, deadline)

    cdef object call_within(self, Patience *patience, object method, object argument):
        """Call *method*, which waits by itself, with this patience."""
        cdef int64_t left
        if self.lent == 0 and patience.deadline == 0 and patience.timeout == self.sock.sock_timeout:
            start_counting(patience)
            return method(argument)
        start_counting(patience)
        # 0 would mean never to wait, and a time_t has to hold it.
        left = min(max(patience.deadline - ps_clock(), 1000), <int64_t>1_000_000_000 * NS_PER_S)
        with cython.critical_section(self):
            if self.lent == 0:
                self.own = self.sock.gettimeout()
            self.lent += 1
        try:
            self.sock.settimeout(None if patience.timeout < 0 else left / 1e9)
            return method(argument)
        finally:
            with cython.critical_section(self):
                self.lent -= 1
                if self.lent == 0 and self.sock.sock_fd != -1:
                    self.sock.settimeout(self.own)
