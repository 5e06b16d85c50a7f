"""What is registered with an EpollSelector, and what was last returned for it.

It is the selector's `_fd_to_key`, which the standard library's own methods change, too; `epoll(7)` calls
it the registered list. Mostly, what `select()` returns for a descriptor is what it returned before: it
stays here until its key is changed, by whomever, so that `select()` has nothing to look up.
"""

cimport cython

from cpython.dict cimport PyDict_DelItem, PyDict_SetItem, PyDict_Size

from ..core cimport traceback
from ..core.threads cimport get


@cython.final
cdef class Registered(dict):
    """A dict of keys by descriptor that forgets what was returned for the keys that are changed."""

    def __cinit__(self, *arguments, **named):
        self.pairs = []

    @cython.boundscheck(True)
    cdef int cache_pair(self, int fd, object key, object pair) except -1:
        """Not of what is no longer registered: its file object would live as long as the selector.

        The list has its length from the highest descriptor: a few that are far away are not worth it.
        """
        with cython.critical_section(self):
            if fd >= len(self.pairs) and fd < 1024 + 4 * PyDict_Size(self):
                self.pairs.extend([None] * (fd + 1 - len(self.pairs)))
            if get(self, fd) is key and fd < len(self.pairs):
                self.pairs[fd] = pair
        return 0

    @cython.boundscheck(True)
    cdef int drop_pair(self, int fd) except -1:
        with cython.critical_section(self):
            if 0 <= fd < len(self.pairs):
                self.pairs[fd] = None
        return 0

    cdef int drop_pair_of(self, object fd) except -1:
        cdef int known = number(fd)
        return self.drop_pair(known) if known >= 0 else self.drop_all_pairs()

    cdef int drop_all_pairs(self) except -1:
        with cython.critical_section(self):
            del self.pairs[:]  # this very list: select() may be in the midst of it
        return 0

    def __setitem__(self, fd, key):
        try:
            PyDict_SetItem(self, fd, key)
        finally:
            self.drop_pair_of(fd)

    def __delitem__(self, fd):
        try:
            PyDict_DelItem(self, fd)
        finally:
            self.drop_pair_of(fd)

    def pop(self, fd, *default):
        """As a dict's."""
        try:
            return dict.pop(self, fd, *default)
        finally:
            self.drop_pair_of(fd)

    def popitem(self):
        """As a dict's."""
        try:
            return dict.popitem(self)
        finally:
            self.drop_all_pairs()

    def clear(self):
        """As a dict's."""
        try:
            dict.clear(self)
        finally:
            self.drop_all_pairs()

    def setdefault(self, fd, key=None):
        """As a dict's."""
        try:
            return dict.setdefault(self, fd, key)
        finally:
            self.drop_pair_of(fd)

    def update(self, *arguments, **named):
        """As a dict's."""
        try:
            dict.update(self, *arguments, **named)
        finally:
            self.drop_all_pairs()

    def __ior__(self, other):
        self.update(other)
        return self
