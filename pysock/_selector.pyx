"""What an EpollSelector does all the time, in C: what it waits for, and the loop over what is ready.

What is registered stands where the standard library has it, in `_fd_to_key`; the descriptor of epoll
in `_selector`. Whatever is out of the ordinary is done by the standard library's own method, which
says what is wrong with it.
"""

cimport cython

from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.errno cimport EINTR
from libc.limits cimport INT_MAX
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, int64_t, uint32_t

from . import _base
from ._errors cimport raise_errno
from ._threads cimport get, has, item
from .ps_epoll cimport (
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLIN,
    EPOLLOUT,
    ps_epoll_ctl,
    ps_epoll_wait,
    ps_event,
)
from .ps_wait cimport ps_clock


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    unsigned long PyLong_AsUnsignedLongMask(object number) except? <unsigned long>-1

cdef object SelectorKey = _base.SelectorKey
cdef object base_lookup = _base.EpollSelector._fileobj_lookup
cdef object base_modify = _base.EpollSelector.modify
cdef object base_register = _base.EpollSelector.register
cdef object base_select = _base.EpollSelector.select
cdef object base_unregister = _base.EpollSelector.unregister

cdef enum:
    ON_STACK = 16


cdef object new_key(object fileobj, object fd, object events, object data):
    """A SelectorKey, as its own class makes one of a tuple."""
    cdef tuple arguments = ((fileobj, fd, events, data),)
    return (<PyTypeObject *>tuple).tp_new(<type>SelectorKey, <PyObject *>arguments, NULL)


cdef int number(object value) except -2:
    """An int from 0 to INT_MAX; -1 for anything else."""
    cdef int overflow = 0
    cdef long found
    if not PyLong_CheckExact(value):
        return -1
    found = PyLong_AsLongAndOverflow(value, &overflow)
    return <int>found if 0 <= found <= INT_MAX else -1


cdef inline bint is_mask(int events) noexcept:
    return 0 < events <= EVENT_READ | EVENT_WRITE


cdef inline uint32_t epoll_events(int events) noexcept:
    cdef uint32_t mask = 0
    if events & EVENT_READ:
        mask |= EPOLLIN
    if events & EVENT_WRITE:
        mask |= EPOLLOUT
    return mask


cdef object descriptor(object self, object fileobj):
    """What `_fd_to_key` has as the key of *fileobj*, be it registered or not."""
    if number(fileobj) >= 0 and (<object>type(self))._fileobj_lookup is base_lookup:
        return fileobj
    return self._fileobj_lookup(fileobj)


cdef int milliseconds(object timeout) except -3:
    """As long or longer, -1 without end; -2 for what is too long, or no plain number."""
    cdef double seconds
    if timeout is None:
        return -1
    if type(timeout) is not float and type(timeout) is not int:
        return -2
    seconds = timeout
    if not seconds < INT32_MAX // 1000:
        return -2
    return <int>ceil(seconds * 1e3) if seconds > 0 else 0


cdef int wait(const int *place, ps_event *events, int most, int timeout_ms) except -1:
    """Wait, with the GIL given away: the number of events.

    After a signal the wait goes on towards its deadline (PEP 475). Its handler may have closed what is
    waited for: the descriptor is read again from *place*.
    """
    cdef int64_t deadline = ps_clock() + timeout_ms * <int64_t>1_000_000
    cdef int64_t left
    cdef int epoll = place[0]
    cdef int n
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


cdef inline int look_or_wait(const int *place, ps_event *events, int most, int timeout_ms) except -1:
    """A look first, with the GIL: who finds work has no need to give it away."""
    cdef int n = ps_epoll_wait(place[0], events, most, 0)
    if n > 0 or n == 0 and timeout_ms == 0:
        return n
    return wait(place, events, most, timeout_ms)


cdef class Epoll:
    """What is asked of an EpollSelector all the time, with what it needs where C finds it at once."""
    cdef int epoll
    cdef dict fd_to_key
    cdef list pairs  # by descriptor, (key, events) as last returned: mostly, the next is the same

    def __cinit__(self):
        self.epoll = -1
        self.pairs = []

    def _look_at(self, int epoll, dict fd_to_key):
        """From now on *epoll*, a descriptor, is what is waited for; -1 is a closed selector's."""
        with cython.critical_section(self):
            self.epoll = epoll
            self.fd_to_key = fd_to_key
            self.pairs = []

    def register(self, fileobj, events, data=None):
        """register(fileobj, events, data=None) -> SelectorKey

        Wait for *events*, a mask of EVENT_READ and EVENT_WRITE, of *fileobj*: a descriptor, or
        something with a `fileno()`. *data* is whatever the key is to have.

        ValueError for wrong *events* or no file object, KeyError if it is registered, OSError where
        the system does not wait for such a file. See `epoll_ctl(2)`.
        """
        cdef int mask = number(events)
        cdef int fileno
        cdef bint known = False
        cdef bint done = False
        cdef object fd
        cdef object key
        if is_mask(mask):
            fd = descriptor(self, fileobj)
            fileno = number(fd)
            key = new_key(fileobj, fd, events, data)
            with cython.critical_section(self):
                if is_ours(self, fileno):
                    known = fd in self.fd_to_key
                    if not known:
                        self.fd_to_key[fd] = key
                        done = ps_epoll_ctl(self.epoll, EPOLL_CTL_ADD, fileno, epoll_events(mask)) == 0
                        if not done:
                            del self.fd_to_key[fd]
            if known:
                raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
            if done:
                return key
        return base_register(self, fileobj, events, data)

    def unregister(self, fileobj):
        """unregister(fileobj) -> SelectorKey

        Wait for *fileobj* no longer. KeyError if it is not registered. A descriptor that was closed
        meanwhile is no error.
        """
        cdef object fd = descriptor(self, fileobj)
        cdef int fileno = number(fd)
        cdef bint ours
        cdef object key = None
        with cython.critical_section(self):
            ours = is_ours(self, fileno)
            if ours:
                key = get(self.fd_to_key, fd)
                if key is not None:
                    del self.fd_to_key[fd]
                    forget(self, fileno)
                    ps_epoll_ctl(self.epoll, EPOLL_CTL_DEL, fileno, 0)
        if not ours:
            key = base_unregister(self, fileobj)
            forget_key(self, key)
        elif key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return key

    def modify(self, fileobj, events, data=None):
        """modify(fileobj, events, data=None) -> SelectorKey

        From now on wait for these *events* of *fileobj*, and have *data* in its key, which is
        returned. KeyError if it is not registered.
        """
        cdef object fd = descriptor(self, fileobj)
        cdef int fileno = number(fd)
        cdef int mask = number(events)
        cdef bint ours
        cdef bint changed = False
        cdef object key = None
        with cython.critical_section(self):
            ours = is_ours(self, fileno)
            if ours:
                key = get(self.fd_to_key, fd)
                if key is not None:
                    if not is_mask(mask) or type(key) is not SelectorKey:
                        ours = False
                    elif events != <object>PyTuple_GET_ITEM(key, KEY_EVENTS):
                        changed = True
                        ours = ps_epoll_ctl(self.epoll, EPOLL_CTL_MOD, fileno, epoll_events(mask)) == 0
        if not ours:
            forget(self, fileno)
            key = base_modify(self, fileobj, events, data)
            forget_key(self, key)
            return key
        if key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        if data != <object>PyTuple_GET_ITEM(key, KEY_DATA) or changed:
            key = new_key(
                <object>PyTuple_GET_ITEM(key, KEY_FILEOBJ), <object>PyTuple_GET_ITEM(key, KEY_FD), events, data
            )
            with cython.critical_section(self):
                self.fd_to_key[fd] = key
                forget(self, fileno)
        return key

    def select(self, timeout=None):
        """select(timeout=None) -> list of (key, events)

        Wait until a registered file object is ready, for at most *timeout* seconds (None: without
        end, 0 or less: only look). *events* is a mask of EVENT_READ and EVENT_WRITE. See
        `epoll_wait(2)`.
        """
        cdef ps_event[ON_STACK] events
        cdef int timeout_ms = milliseconds(timeout)
        cdef int most
        with cython.critical_section(self):
            most = -1 if self.epoll < 0 else <int>len(self.fd_to_key)
        if most < 0 or timeout_ms < -1:
            return base_select(self, timeout)
        if most > ON_STACK:
            return select_many(self, most, timeout_ms)
        return ready_pairs(self, events, look_or_wait(&self.epoll, events, most or 1, timeout_ms))


cdef list select_many(Epoll self, int most, int timeout_ms):
    cdef ps_event *events = <ps_event *>PyMem_Malloc(<size_t>most * sizeof(ps_event))
    if events == NULL:
        raise MemoryError()
    try:
        return ready_pairs(self, events, look_or_wait(&self.epoll, events, most, timeout_ms))
    finally:
        PyMem_Free(events)


cdef list ready_pairs(Epoll self, const ps_event *events, int n):
    cdef list ready = [None] * n
    cdef int count = 0
    cdef dict fd_to_key
    cdef list pairs
    cdef object key, pair
    cdef int i, mask
    with cython.critical_section(self):
        fd_to_key = self.fd_to_key
        pairs = self.pairs
    for i in range(n):
        mask = 0
        if events[i].events & ~<uint32_t>EPOLLIN:
            mask |= EVENT_WRITE
        if events[i].events & ~<uint32_t>EPOLLOUT:
            mask |= EVENT_READ
        pair = item(pairs, events[i].data.fd)
        # What it was made from is compared and not touched: of a thousand, each is a miss of the cache.
        if (
            pair is None
            or <int><object>PyTuple_GET_ITEM(pair, 1) != mask
            or not has(fd_to_key, events[i].data.fd, <object>PyTuple_GET_ITEM(pair, 0))
        ):
            # A reference of its own: making a pair may collect garbage, whose end may unregister.
            key = get(fd_to_key, events[i].data.fd)
            if key is None:
                forget(self, events[i].data.fd)
                continue
            pair = new_pair(self, events[i].data.fd, key, mask)
        ready[count] = pair
        count += 1
    if count < n:
        del ready[count:]
    return ready


cdef object new_pair(Epoll self, int fileno, object key, int mask):
    cdef object events, pair
    if type(key) is not SelectorKey:
        return (key, mask & key.events)  # somebody's who puts them there
    events = <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
    pair = (key, mask & <int>PyLong_AsUnsignedLongMask(events))
    if is_mask(number(events)):
        remember(self, fileno, key, pair)
    return pair


@cython.boundscheck(True)
cdef int remember(Epoll self, int fileno, object key, object pair) except -1:
    """Not of what is no longer registered: its file object would live as long as the selector.

    The list has its length from the highest descriptor: a few that are far away are not worth it.
    """
    cdef list pairs
    with cython.critical_section(self):
        pairs = self.pairs
        if fileno >= len(pairs) and fileno < 1024 + 4 * len(self.fd_to_key):
            pairs.extend([None] * (fileno + 1 - len(pairs)))
        if get(self.fd_to_key, fileno) is key and fileno < len(pairs):
            pairs[fileno] = pair
    return 0


@cython.boundscheck(True)
cdef int forget(Epoll self, int fileno) except -1:
    cdef list pairs
    with cython.critical_section(self):
        pairs = self.pairs
        if 0 <= fileno < len(pairs):
            pairs[fileno] = None
    return 0


cdef inline bint is_ours(Epoll self, int fileno) noexcept:
    """Whether C answers for that descriptor, or the standard library's method."""
    return self.epoll >= 0 and fileno >= 0


cdef int forget_key(Epoll self, object key) except -1:
    cdef object fd = key.fd
    if isinstance(fd, int):  # of a class of its own, too
        forget(self, number(int(fd)))
    return 0
