"""What is registered with an EpollSelector, and the cached results of select()."""

from libc.limits cimport INT_MAX
from libc.stdint cimport uint32_t

from ..core.arguments cimport exact_number
from ..core.threads cimport dict_get, shared_int


cdef inline int nonnegative_int(object value) except? -1:
    """*value* if it is exactly an int, from 0 to INT_MAX; -1 for anything else."""
    return <int>exact_number(value, INT_MAX)


cdef class Registered(dict):
    cdef list pairs  # by descriptor: the (key, events) that select() last returned, or None
    cdef shared_int misses  # tries of select() that found nothing, one after the other
    cdef shared_int was_tried  # select_now() found nothing, so that select() waits at once

    # By descriptor: the tag of its last registration for one event, since which the kernel's list has
    # it; 0 for all others.
    cdef uint32_t *tags
    cdef int tag_count
    cdef uint32_t last_tag

    cdef uint32_t new_tag(self, int fd) noexcept
    cdef int cache_pair(self, int fd, object key, object pair) except -1
    cdef int invalidate_pair(self, int fd) except -1
    cdef int invalidate_pair_of(self, object fd) except -1
    cdef int invalidate_all_pairs(self) except -1

    cdef inline uint32_t tag_of(self, int fd) noexcept:
        return self.tags[fd] if 0 <= fd < self.tag_count else 0

    cdef inline void set_tag(self, int fd, uint32_t tag) noexcept:
        if 0 <= fd < self.tag_count:
            self.tags[fd] = tag


cdef inline Registered registered_of(dict attributes):
    """What is registered; None if the standard library's method must be used."""
    cdef object found
    if attributes is None:
        return None
    found = dict_get(attributes, "_fd_to_key")
    return <Registered>found if type(found) is Registered else None
