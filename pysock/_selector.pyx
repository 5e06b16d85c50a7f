"""`select` of an EpollSelector: the loop over what is ready, in C.

Everything else of a selector is the standard library's own: what is registered stands in its
`_fd_to_key`, the descriptor of epoll in its `_selector`.
"""

cimport cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.errno cimport EINTR
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, int64_t

from . import _base
from ._errors cimport raise_errno
from ._threads cimport get
from .ps_epoll cimport EPOLLIN, EPOLLOUT, ps_epoll_wait, ps_event
from .ps_wait cimport ps_clock


cdef object base_select = _base.EpollSelector.select

cdef enum:
    EVENT_READ = 1   # as in selectors
    EVENT_WRITE = 2
    KEY_EVENTS = 2   # of a SelectorKey: (fileobj, fd, events, data)
    ON_STACK = 256


cdef int wait(const int *place, ps_event *events, int most, int timeout_ms) except -1:
    """The number of events. A look first, with the GIL: who finds work has no need to give it away.

    After a signal the wait goes on towards its deadline (PEP 475). Its handler may have closed what is
    waited for: the descriptor is read again from *place*.
    """
    cdef int64_t deadline, left
    cdef int epoll = place[0]
    cdef int n = ps_epoll_wait(epoll, events, most, 0)
    if n == 0 and timeout_ms != 0:
        deadline = ps_clock() + timeout_ms * <int64_t>1_000_000
        with nogil:
            n = ps_epoll_wait(epoll, events, most, timeout_ms)
        while n == -EINTR:
            PyErr_CheckSignals()
            epoll = place[0]
            if timeout_ms > 0:
                left = deadline - ps_clock()
                timeout_ms = <int>((left + 999_999) // 1_000_000) if left > 0 else 0
            with nogil:
                n = ps_epoll_wait(epoll, events, most, timeout_ms)
    if n < 0:
        raise_errno(n)
    return n


cdef list ready_keys(dict fd_to_key, ps_event *events, int n):
    cdef list ready = []
    cdef object key
    cdef int i, mask
    for i in range(n):
        # A reference of its own: making the pair may collect garbage, whose end may unregister.
        key = get(fd_to_key, events[i].data.fd)
        if key is None:
            continue
        mask = 0
        if events[i].events & ~<unsigned int>EPOLLIN:
            mask |= EVENT_WRITE
        if events[i].events & ~<unsigned int>EPOLLOUT:
            mask |= EVENT_READ
        mask &= <int><object>PyTuple_GET_ITEM(key, KEY_EVENTS)
        ready.append((key, mask))
    return ready


cdef class Epoll:
    """What `select` needs of an EpollSelector, where C finds it at once."""
    cdef int epoll
    cdef dict fd_to_key

    def __cinit__(self):
        self.epoll = -1

    def _look_at(self, int epoll, dict fd_to_key):
        """From now on *epoll*, a descriptor, is what is waited for; -1 is a closed selector's."""
        with cython.critical_section(self):
            self.epoll = epoll
            self.fd_to_key = fd_to_key

    def select(self, timeout=None):
        """select(timeout=None) -> list of (key, events)

        Wait until a registered file object is ready, for at most *timeout* seconds (None: without
        end, 0 or less: only look). *events* is a mask of EVENT_READ and EVENT_WRITE. See
        `epoll_wait(2)`.
        """
        cdef ps_event[ON_STACK] stack
        cdef ps_event *events = stack
        cdef double seconds
        cdef int timeout_ms = -1
        cdef bint closed
        cdef int n, most
        cdef dict fd_to_key
        if timeout is not None:
            seconds = timeout
            if not seconds < INT32_MAX // 1000:
                return base_select(self, timeout)  # which says what is wrong with it
            timeout_ms = <int>ceil(seconds * 1e3) if seconds > 0 else 0
        with cython.critical_section(self):
            closed = self.epoll < 0
            fd_to_key = self.fd_to_key
        if closed:
            return base_select(self, timeout)  # which says that it is closed
        most = <int>max(len(fd_to_key), 1)
        if most <= ON_STACK:
            n = wait(&self.epoll, stack, most, timeout_ms)
            return ready_keys(fd_to_key, stack, n)
        events = <ps_event *>PyMem_Malloc(<size_t>most * sizeof(ps_event))
        if events == NULL:
            raise MemoryError()
        try:
            n = wait(&self.epoll, events, most, timeout_ms)
            return ready_keys(fd_to_key, events, n)
        finally:
            PyMem_Free(events)
