"""The keys of a selector, and its masks of events. The reasons are in key.pyx."""

from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport uint32_t

from ..sys.ps_epoll cimport EPOLLIN, EPOLLOUT

cdef enum:
    EVENT_READ = 1
    EVENT_WRITE = 2

cdef enum:  # the indices of the fields of a SelectorKey, a named tuple
    KEY_FILEOBJ = 0
    KEY_FD = 1
    KEY_EVENTS = 2
    KEY_DATA = 3
    KEY_SIZE = 4

cdef object SelectorKey

cdef object new_key(object fileobj, object fd, object events, object data)
cdef bint is_key_of(object key, int fileno) except -1


cdef inline bint is_key(object key) noexcept:
    """Whether *key* is exactly a SelectorKey, so that its fields can be read by index."""
    return type(key) is SelectorKey and PyTuple_GET_SIZE(key) == KEY_SIZE


cdef inline bint is_mask(int events) noexcept:
    return 0 < events <= EVENT_READ | EVENT_WRITE


cdef inline uint32_t epoll_events(int events) noexcept:
    cdef uint32_t mask = 0
    if events & EVENT_READ:
        mask |= EPOLLIN
    if events & EVENT_WRITE:
        mask |= EPOLLOUT
    return mask
