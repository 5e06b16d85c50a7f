"""What an EpollSelector does all the time, in C: what it waits for, and the loop over what is ready.

What is registered stands where the standard library has it, in `_fd_to_key`, which is of a class of
`_interest.pyx`; `select.epoll` in `_selector`. Whatever is out of the ordinary is done by the standard
library's own method, which says what is wrong with it.
"""

import select

cimport cython

from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_SetItem, PyDict_Size
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.errno cimport EINTR
from libc.math cimport ceil
from libc.stdint cimport INT32_MAX, int64_t, uint32_t

from ..._shared import original
from .epoll_object cimport epfd_place, epoll
from ..core.errors cimport raise_errno
from .registered cimport Registered, number
from ..core.threads cimport get, item
from ..sys.ps_epoll cimport (
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLIN,
    EPOLLOUT,
    ps_epoll_ctl,
    ps_epoll_wait,
    ps_event,
)
from ..sys.ps_wait cimport ps_clock


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    unsigned long PyLong_AsUnsignedLongMask(object number) except? <unsigned long>-1

cdef object SelectorKey = original.SelectorKey
cdef object base_lookup = original.EpollSelector._fileobj_lookup
cdef object base_modify = original.EpollSelector.modify
cdef object base_register = original.EpollSelector.register
cdef object base_select = original.EpollSelector.select
cdef object base_unregister = original.EpollSelector.unregister
cdef object base_key_from_fd = getattr(original.EpollSelector, "_key_from_fd", None)  # until 3.12
cdef object unregister_key = original.unregister_key

cdef enum:
    ON_STACK = 16
    NO_DESCRIPTOR = 0x1D0000F1


cdef object new_key(object fileobj, object fd, object events, object data):
    """A SelectorKey, as its own class makes one of a tuple."""
    cdef tuple arguments = ((fileobj, fd, events, data),)
    return (<PyTypeObject *>tuple).tp_new(<type>SelectorKey, <PyObject *>arguments, NULL)


cdef inline bint is_key(object key) noexcept:
    """Whether it has what a SelectorKey has, where it has it."""
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


cdef object descriptor(object self, object fileobj):
    """What `_fd_to_key` has as the key of *fileobj*, be it registered or not."""
    if number(fileobj) >= 0 and (<object>type(self))._fileobj_lookup is base_lookup:
        return fileobj
    return self._fileobj_lookup(fileobj)


cdef int milliseconds(object timeout) except -3:
    """As long or longer, -1 without end; -2 for what is too long, or no plain number."""
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


cdef int wait(const int *place, ps_event *events, int most, int timeout_ms) except -1:
    """Wait, with the GIL given away: the number of events.

    After a signal the wait goes on towards its deadline (PEP 475). Its handler may have closed what is
    waited for: the descriptor is read again from *place*.
    """
    cdef int64_t deadline = ps_clock() + timeout_ms * <int64_t>1_000_000
    cdef int64_t left
    cdef int epfd = place[0]
    cdef int n
    with nogil:
        n = ps_epoll_wait(epfd, events, most, timeout_ms)
    while n == -EINTR:
        try:
            PyErr_CheckSignals()
        except InterruptedError:  # a handler's: for selectors, nothing is ready then
            return 0
        epfd = place[0]
        if timeout_ms > 0:
            left = deadline - ps_clock()
            timeout_ms = <int>((left + 999_999) // 1_000_000) if left > 0 else 0
        with nogil:
            n = ps_epoll_wait(epfd, events, most, timeout_ms)
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
    cdef object its_selector
    cdef epoll its_epoll  # the same; None where the standard library's methods are to do it all
    cdef Registered registered

    @property
    def _selector(self):
        cdef object found
        with cython.critical_section(self):
            found = self.its_selector
        return set_before(self, found, "_selector")

    @_selector.setter
    def _selector(self, selector):
        cdef bint ours = type(selector) is epoll and is_plain(self)
        with cython.critical_section(self):
            self.its_selector = selector
            self.its_epoll = selector if ours and self.registered is not None else None

    @property
    def _fd_to_key(self):
        cdef object found
        with cython.critical_section(self):
            found = self.registered
        return set_before(self, found, "_fd_to_key")

    @_fd_to_key.setter
    def _fd_to_key(self, keys):
        cdef Registered registered = Registered(keys)
        with cython.critical_section(self):
            self.registered = registered

    def register(self, fileobj, events, data=None):
        """register(fileobj, events, data=None) -> SelectorKey

        Wait for *events*, a mask of EVENT_READ and EVENT_WRITE, of *fileobj*: a descriptor, or
        something with a `fileno()`. *data* is whatever the key is to have.

        ValueError for wrong *events* or no file object, KeyError if it is registered, OSError where
        the system does not wait for such a file. See `epoll_ctl(2)`.
        """
        cdef int mask = number(events)
        cdef int fileno
        cdef int outcome = 0
        cdef bint ours = False
        cdef bint known = False
        cdef object fd
        cdef object key
        if is_mask(mask) and epfd_of(self) >= 0:
            fd = descriptor(self, fileobj)
            fileno = number(fd)
            key = new_key(fileobj, fd, events, data)
            with cython.critical_section(self):
                ours = fileno >= 0 and epfd_of(self) >= 0
                if ours:
                    known = PyDict_Contains(self.registered, fd)
                    if not known:
                        PyDict_SetItem(self.registered, fd, key)
                        outcome = ps_epoll_ctl(epfd_of(self), EPOLL_CTL_ADD, fileno, epoll_events(mask))
            if known:
                raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
            if ours:
                return key
        return base_register(self, fileobj, events, data)

    def unregister(self, fileobj):
        """unregister(fileobj) -> SelectorKey

        Wait for *fileobj* no longer. KeyError if it is not registered. A descriptor that was closed
        meanwhile is no error.
        """
        cdef int fileno = -1
        cdef object key = known_key(self, fileobj, &fileno)
        if key is None:
            return base_unregister(self, fileobj)
        with cython.critical_section(self):
            PyDict_DelItem(self.registered, fileno)
            ps_epoll_ctl(epfd_of(self), EPOLL_CTL_DEL, fileno, 0)
            self.registered.drop_pair(fileno)
        return key

    def modify(self, fileobj, events, data=None):
        """modify(fileobj, events, data=None) -> SelectorKey

        From now on wait for these *events* of *fileobj*, and have *data* in its key, which is
        returned. KeyError if it is not registered.
        """
        cdef int fileno = -1
        cdef int mask = number(events)
        cdef int outcome
        cdef bint changed
        cdef object key = known_key(self, fileobj, &fileno) if is_mask(mask) else None
        if not is_key(key) or number(<object>PyTuple_GET_ITEM(key, KEY_FD)) != fileno:
            return base_modify(self, fileobj, events, data)
        changed = events != <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
        if changed:
            outcome = ps_epoll_ctl(epfd_of(self), EPOLL_CTL_MOD, fileno, epoll_events(mask))
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
        if data != <object>PyTuple_GET_ITEM(key, KEY_DATA) or changed:
            key = new_key(
                <object>PyTuple_GET_ITEM(key, KEY_FILEOBJ), <object>PyTuple_GET_ITEM(key, KEY_FD), events, data
            )
            with cython.critical_section(self):
                PyDict_SetItem(self.registered, fileno, key)
                self.registered.drop_pair(fileno)
        return key

    def select(self, timeout=None):
        """select(timeout=None) -> list of (key, events)

        Wait until a registered file object is ready, for at most *timeout* seconds (None: without
        end, 0 or less: only look). *events* is a mask of EVENT_READ and EVENT_WRITE. See
        `epoll_wait(2)`.
        """
        cdef ps_event[ON_STACK] events
        cdef int timeout_ms = milliseconds(timeout)
        cdef int most = -1
        cdef epoll its_epoll  # this one, whatever a signal's handler does
        with cython.critical_section(self):
            its_epoll = self.its_epoll
            if epfd_of(self) >= 0:
                most = <int>PyDict_Size(self.registered)
        if most < 0 or timeout_ms < -1:
            return base_select(self, timeout)
        if most > ON_STACK:
            return select_many(self, its_epoll, most, timeout_ms)
        return ready_pairs(self, events, look_or_wait(epfd_place(its_epoll), events, most or 1, timeout_ms))


cdef list select_many(Epoll self, epoll its_epoll, int most, int timeout_ms):
    cdef ps_event *events = <ps_event *>PyMem_Malloc(<size_t>most * sizeof(ps_event))
    if events == NULL:
        raise MemoryError()
    try:
        return ready_pairs(self, events, look_or_wait(epfd_place(its_epoll), events, most, timeout_ms))
    finally:
        PyMem_Free(events)


@cython.boundscheck(True)
cdef list ready_pairs(Epoll self, const ps_event *events, int n):
    cdef list ready = [None] * n
    cdef int count = 0
    cdef Registered registered
    cdef object key, pair
    cdef int i, mask
    with cython.critical_section(self):
        registered = self.registered
    for i in range(n):
        mask = 0
        if events[i].events & ~<uint32_t>EPOLLIN:
            mask |= EVENT_WRITE
        if events[i].events & ~<uint32_t>EPOLLOUT:
            mask |= EVENT_READ
        pair = item(registered.pairs, events[i].data.fd)
        # Its key is not touched: of a thousand, each would be a miss of the cache.
        if pair is None or <int><object>PyTuple_GET_ITEM(pair, 1) != mask:
            # A reference of its own: making a pair may collect garbage, whose end may unregister.
            key = get(registered, events[i].data.fd)
            pair = new_pair(registered, events[i].data.fd, key, mask)
            if pair is None:
                continue
        ready[count] = pair
        count += 1
    if count < n:
        del ready[count:]
    return ready


cdef object new_pair(Registered registered, int fileno, object key, int mask):
    """(key, events); None for a descriptor that is not registered."""
    cdef object events, pair
    if not is_key(key):
        return (key, mask & key.events) if key else None  # somebody's who puts them there
    events = <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
    if not PyLong_CheckExact(events):
        return (key, mask & events)
    pair = (key, mask & <int>PyLong_AsUnsignedLongMask(events))
    if is_mask(number(events)):
        registered.cache_pair(fileno, key, pair)
    return pair


cdef object set_before(object self, object found, str name):
    if found is None:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    return found


cdef inline int epfd_of(Epoll self) noexcept:
    """The descriptor of epoll; -1 where the standard library's method is to answer."""
    with cython.critical_section(self):
        return -1 if self.its_epoll is None else self.its_epoll.epfd


cdef bint is_plain(object self) except -1:
    """Whether it is the standard library's in all that C does for it without asking."""
    return (
        self._EVENT_READ == EPOLLIN
        and self._EVENT_WRITE == EPOLLOUT
        and getattr(type(self), "_key_from_fd", None) is base_key_from_fd
    )


cdef object known_key(Epoll self, object fileobj, int *fileno):
    """The key of *fileobj*, and its descriptor; None where the standard library's method is to answer."""
    cdef object fd
    cdef object key = None
    if epfd_of(self) < 0:
        return None
    try:
        fd = descriptor(self, fileobj)
        fileno[0] = number(fd)
        with cython.critical_section(self):
            if fileno[0] >= 0 and epfd_of(self) >= 0:
                key = get(self.registered, fd)
                if key is None:
                    raise KeyError(fd)
    except KeyError:
        raise KeyError(f"{fileobj!r} is not registered") from None
    return key


cdef int unregister_and_raise(object self, object fileobj, int outcome) except -1:
    try:
        raise_errno(outcome)
    except OSError:
        unregister_key(self, fileobj)
        raise


cdef bint layout_is_right() except -1:
    cdef epoll made = select.epoll.fromfd(NO_DESCRIPTOR)
    try:
        return made.epfd == NO_DESCRIPTOR
    finally:
        made.epfd = -1  # it owns none


if not layout_is_right():
    raise ImportError("the field of select.epoll is not where this build expects it")
