"""What is registered with an EpollSelector, and the cached results of select().

This dict is the selector's `_fd_to_key`; `epoll(7)` calls it the interest list. The standard
library's methods change it, too. `select()` mostly returns the same (key, events) pair for a
descriptor as before. So the pair is cached here until the key of the descriptor changes, whoever
changes it. `select()` then has no key to look up.
"""

cimport cython

from cpython.dict cimport PyDict_DelItem, PyDict_SetItem, PyDict_Size
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport UINT32_MAX, uint32_t
from libc.string cimport memset

from ..core cimport traceback
from ..core.threads cimport dict_get

cdef enum:
    MIN_TAGS = 64
    MAX_TAGS = 1 << 16  # a higher descriptor gets no tag


@cython.final
cdef class Registered(dict):
    """A dict of keys by descriptor. A change of a key invalidates its cached pair."""

    def __cinit__(self, *arguments, **named):
        self.pairs = []

    def __dealloc__(self):
        PyMem_Free(self.tags)

    cdef uint32_t new_tag(self, int fd) noexcept:
        """A tag that *fd* has not had for long; 0 if there is no room for one."""
        cdef int count
        cdef uint32_t *tags
        if fd >= self.tag_count:
            count = MIN_TAGS
            if fd >= MIN_TAGS:
                count = 2 * fd
            if fd < MAX_TAGS:
                tags = <uint32_t *>PyMem_Realloc(self.tags, <size_t>count * sizeof(uint32_t))
            else:
                tags = NULL
            if tags == NULL:
                return 0
            memset(tags + self.tag_count, 0, <size_t>(count - self.tag_count) * sizeof(uint32_t))
            self.tags = tags
            self.tag_count = count
        if self.last_tag == UINT32_MAX:
            self.last_tag = 0
        self.last_tag += 1
        return self.last_tag

    @cython.boundscheck(True)
    cdef int cache_pair(self, int fd, object key, object pair) except -1:
        """Cache *pair* for *fd* if *key* is still registered.

        A pair for another key would keep the file object alive as long as the selector. The list
        is as long as its highest descriptor, so a few very high descriptors are not cached.
        """
        with cython.critical_section(self):
            if fd >= len(self.pairs) and fd < 1024 + 4 * PyDict_Size(self):
                self.pairs.extend([None] * (fd + 1 - len(self.pairs)))
            if dict_get(self, fd) is key and fd < len(self.pairs):
                self.pairs[fd] = pair
        return 0

    @cython.boundscheck(True)
    cdef int invalidate_pair(self, int fd) except -1:
        with cython.critical_section(self):
            if 0 <= fd < len(self.pairs):
                self.pairs[fd] = None
        return 0

    cdef int invalidate_pair_of(self, object fd) except -1:
        cdef int number = nonnegative_int(fd)
        return self.invalidate_pair(number) if number >= 0 else self.invalidate_all_pairs()

    cdef int invalidate_all_pairs(self) except -1:
        with cython.critical_section(self):
            del self.pairs[:]  # not a new list: select() may be reading this one
        return 0

    def __reduce__(self):
        """A copy, or what comes out of a pickle, is a dict."""
        return dict, (dict(self),)

    def __setitem__(self, fd, key):
        try:
            PyDict_SetItem(self, fd, key)
        finally:
            self.invalidate_pair_of(fd)

    def __delitem__(self, fd):
        try:
            PyDict_DelItem(self, fd)
        finally:
            self.invalidate_pair_of(fd)

    def pop(self, fd, *default):
        """As `dict.pop`, and invalidate the cached pairs."""
        try:
            return dict.pop(self, fd, *default)
        finally:
            self.invalidate_pair_of(fd)

    def popitem(self):
        """As `dict.popitem`, and invalidate the cached pairs."""
        try:
            return dict.popitem(self)
        finally:
            self.invalidate_all_pairs()

    def clear(self):
        """As `dict.clear`, and invalidate the cached pairs."""
        try:
            dict.clear(self)
        finally:
            self.invalidate_all_pairs()

    def setdefault(self, fd, key=None):
        """As `dict.setdefault`, and invalidate the cached pairs."""
        try:
            return dict.setdefault(self, fd, key)
        finally:
            self.invalidate_pair_of(fd)

    def update(self, *arguments, **named):
        """As `dict.update`, and invalidate the cached pairs."""
        try:
            dict.update(self, *arguments, **named)
        finally:
            self.invalidate_all_pairs()

    def __ior__(self, other):
        self.update(other)
        return self
