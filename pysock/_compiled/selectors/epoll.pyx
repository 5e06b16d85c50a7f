"""`select` of EpollSelector in C.

It is a builtin function, as the methods in registration.pyx are.
"""

import select as select_module

cimport cython

from cpython.dict cimport PyDict_Contains, PyDict_Size
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.errno cimport EINTR
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, int64_t, uint32_t

from ..._shared import original
from .epoll_object cimport epfd_ptr_of, epoll, epoll_of
from ..core.errors cimport raise_errno
from ..core.gil_policy cimport MAX_MISSES, NO_WAIT, has_turn, learn_from_release
from .key cimport EVENT_READ, EVENT_WRITE, KEY_EVENTS, is_key, is_mask
from .overrides cimport ATTRIBUTES, attributes_of, attributes_to_select
from .registered cimport Registered, nonnegative_int, registered_of
from ..core.threads cimport dict_get, list_item
from ..sys.ps_epoll cimport EPOLLIN, EPOLLOUT, ps_epoll_wait, ps_event, ps_event_tag
from ..sys.ps_wait cimport ps_clock


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    unsigned long PyLong_AsUnsignedLongMask(object number) except? <unsigned long>-1

cdef object base = original.EpollSelector
# Until Python 3.12 `select` looks up the method `_key_from_fd` for each descriptor.
cdef bint asks_key_from_fd = hasattr(base, "_key_from_fd")

cdef enum:
    EVENTS_ON_STACK = 16
    EVENTS_AT_ONCE = 256  # of select_now: further ones come with the next look
    UNUSED_FD = 0x1D0000F1


cdef int timeout_in_ms(object timeout) except -3:
    """Milliseconds, rounded up; -1 for no limit; -2 for an unusual type or too large a value."""
    cdef int overflow = 0
    cdef double seconds
    if timeout is None:
        return -1
    if type(timeout) is float:
        seconds = timeout
    elif type(timeout) is int:
        seconds = <double>PyLong_AsLongAndOverflow(timeout, &overflow)
    else:
        return -2
    if overflow:
        return -2
    if not seconds < INT32_MAX // 1000:
        return -2
    return <int>ceil(seconds * 1e3) if seconds > 0 else 0


cdef int wait_without_gil(Registered registered, const int *place, ps_event *events,
                          int max_events, int timeout_ms) except -1:
    """Release the GIL and wait; return the number of events.

    A wait that a signal interrupts continues until the same deadline (PEP 475). The signal handler
    may have closed the selector, so the descriptor is read from *place* again.
    """
    cdef int64_t start = ps_clock()
    cdef int64_t deadline = start + timeout_ms * <int64_t>1_000_000
    cdef int64_t left, end
    cdef int epfd = place[0]
    cdef int n
    with nogil:
        n = ps_epoll_wait(epfd, events, max_events, timeout_ms)
        end = ps_clock()
    learn_from_release(end)
    if n > 0 and end - start < NO_WAIT:
        registered.misses = 0
    while n == -EINTR:
        try:
            PyErr_CheckSignals()
        except InterruptedError:  # raised by the handler: a selector then returns an empty list
            return 0
        epfd = place[0]
        if timeout_ms > 0:
            left = deadline - ps_clock()
            timeout_ms = <int>((left + 999_999) // 1_000_000) if left > 0 else 0
        with nogil:
            n = ps_epoll_wait(epfd, events, max_events, timeout_ms)
    if n < 0:
        raise_errno(n)
    return n


cdef list try_then_wait(object self, dict attributes, Registered registered, epoll poller,
                        ps_event *events, int max_events, int timeout_ms):
    """Try once with the GIL held. If events are ready, releasing the GIL is a cost for nothing.

    The tries of a selector that found nothing are counted, as those of a receive: after MAX_MISSES the
    wait comes at once, until one finds its events there.
    """
    cdef int n = -1
    cdef bint was_tried = registered.was_tried
    registered.was_tried = False
    if not was_tried and (timeout_ms == 0 or registered.misses < MAX_MISSES) and has_turn():
        n = ps_epoll_wait(poller.epfd, events, max_events, 0)
        if n > 0:
            registered.misses = 0
        elif timeout_ms != 0:
            registered.misses += 1
    if n < 0 or n == 0 and timeout_ms != 0:
        n = wait_without_gil(registered, epfd_ptr_of(poller), events, max_events, timeout_ms)
        registered = registered_of(attributes)
        if registered is None:  # a signal handler, or another thread, has replaced it
            registered = Registered(self._fd_to_key)
    return ready_pairs(registered, events, n)


cdef object select_now(object self, bint will_wait):
    """What `select(0)` of an EpollSelector returns, without its Python function.

    None if that must be called: something is overridden, or the GIL must be released. *will_wait* says
    that the caller waits with `select` if nothing is ready. That does not look a second time then.
    """
    cdef ps_event[EVENTS_AT_ONCE] events
    cdef dict attributes = attributes_of(self)
    cdef Registered registered = registered_of(attributes)
    cdef epoll poller = epoll_of(attributes)
    cdef int n
    if (registered is None or poller is None or PyDict_Size(attributes) != ATTRIBUTES
            or will_wait and registered.misses >= MAX_MISSES or not has_turn()):
        return None
    n = ps_epoll_wait(poller.epfd, events, EVENTS_AT_ONCE, 0)
    if n < 0:
        return None
    if n > 0:
        registered.misses = 0
    elif will_wait:
        registered.misses += 1
        registered.was_tried = True
    return ready_pairs(registered, events, n)


@cython.binding(False)
def select(self, timeout):
    """select(timeout=None) -> list of (key, events)

    Wait until a registered file object is ready, for at most *timeout* seconds (None: no limit;
    0 or less: do not wait). *events* is a mask of EVENT_READ and EVENT_WRITE. The list is empty
    if the timeout is over. See `epoll_wait(2)`.
    """
    cdef ps_event[EVENTS_ON_STACK] events
    cdef int timeout_ms = timeout_in_ms(timeout)
    cdef int max_events
    cdef dict attributes = attributes_to_select(self)
    cdef Registered registered = registered_of(attributes)
    cdef epoll poller = epoll_of(attributes)  # a signal handler may remove it from the selector
    if (registered is None or poller is None or timeout_ms < -1
            or asks_key_from_fd and PyDict_Contains(attributes, "_key_from_fd")):
        return base.select(self, timeout)
    max_events = <int>PyDict_Size(registered)
    if max_events > EVENTS_ON_STACK:
        return select_many(self, attributes, registered, poller, max_events, timeout_ms)
    return try_then_wait(
        self, attributes, registered, poller, events, max_events or 1, timeout_ms)


cdef list select_many(object self, dict attributes, Registered registered, epoll poller,
                      int max_events, int timeout_ms):
    cdef ps_event *events = <ps_event *>PyMem_Malloc(<size_t>max_events * sizeof(ps_event))
    if events == NULL:
        raise MemoryError()
    try:
        return try_then_wait(
            self, attributes, registered, poller, events, max_events, timeout_ms)
    finally:
        PyMem_Free(events)


@cython.boundscheck(True)
cdef list ready_pairs(Registered registered, const ps_event *events, int n):
    cdef list ready = [None] * n
    cdef int count = 0
    cdef object key, pair
    cdef uint32_t tag
    cdef int i, mask
    for i in range(n):
        tag = registered.tag_of(events[i].data.fd)
        if tag != 0 and ps_event_tag(&events[i]) != tag:
            continue  # of a registration that is not there any more
        mask = 0
        if events[i].events & ~<uint32_t>EPOLLIN:
            mask |= EVENT_WRITE
        if events[i].events & ~<uint32_t>EPOLLOUT:
            mask |= EVENT_READ
        pair = list_item(registered.pairs, events[i].data.fd)
        # The key is not read: with a thousand keys, each read would be a CPU cache miss.
        if pair is None or <int><object>PyTuple_GET_ITEM(pair, 1) != mask:
            # A new reference: allocating the pair may run the garbage collector, and a finalizer
            # may unregister the key.
            key = dict_get(registered, events[i].data.fd)
            pair = new_pair(registered, events[i].data.fd, key, mask)
            if pair is None:
                continue
        ready[count] = pair
        count += 1
    if count < n:
        del ready[count:]
    return ready


cdef object new_pair(Registered registered, int fileno, object key, int mask):
    """The pair (key, events); None for a descriptor that is not registered."""
    cdef object events, pair
    if not is_key(key):
        return (key, mask & key.events) if key else None  # a key of another class
    events = <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
    if not PyLong_CheckExact(events):
        return (key, mask & events)
    pair = (key, mask & <int>PyLong_AsUnsignedLongMask(events))
    if is_mask(nonnegative_int(events)):
        registered.cache_pair(fileno, key, pair)
    return pair


cdef bint layout_matches() except -1:
    cdef epoll closed_epoll = select_module.epoll.fromfd(UNUSED_FD)
    try:
        return closed_epoll.epfd == UNUSED_FD
    finally:
        closed_epoll.epfd = -1  # its destructor must not close this number


if not layout_matches():
    raise ImportError("the field of select.epoll is not where this build expects it")
