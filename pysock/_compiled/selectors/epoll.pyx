"""The methods of EpollSelector that an event loop calls often, in C.

The attributes are the standard library's: `_fd_to_key` has what is registered, as a dict of a class
in registered.pyx, and `_selector` has the `select.epoll`. Unusual arguments go to the standard
library's own method, which raises its own exceptions for them.
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
from .epoll_object cimport epfd_ptr_of, epoll
from ..core.arguments cimport PyLong_AsLongAndOverflow
from ..core.errors cimport raise_errno
from .registered cimport Registered, nonnegative_int
from ..core.threads cimport dict_get, list_item
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
    EVENTS_ON_STACK = 16
    UNUSED_FD = 0x1D0000F1


cdef object new_key(object fileobj, object fd, object events, object data):
    """Make a SelectorKey without the Python function that its class has as `__new__`."""
    cdef tuple arguments = ((fileobj, fd, events, data),)
    return (<PyTypeObject *>tuple).tp_new(<type>SelectorKey, <PyObject *>arguments, NULL)


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


cdef object fd_of(object self, object fileobj):
    """The descriptor of *fileobj*, which is its key in `_fd_to_key`, registered or not."""
    if nonnegative_int(fileobj) >= 0 and (<object>type(self))._fileobj_lookup is base_lookup:
        return fileobj
    return self._fileobj_lookup(fileobj)


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


cdef int wait_without_gil(const int *epfd_ptr, ps_event *events, int max_events,
                          int timeout_ms) except -1:
    """Release the GIL and wait; return the number of events.

    A wait that a signal interrupts continues until the same deadline (PEP 475). The signal handler
    may have closed the selector, so the descriptor is read from *epfd_ptr* again.
    """
    cdef int64_t deadline = ps_clock() + timeout_ms * <int64_t>1_000_000
    cdef int64_t left
    cdef int epfd = epfd_ptr[0]
    cdef int n
    with nogil:
        n = ps_epoll_wait(epfd, events, max_events, timeout_ms)
    while n == -EINTR:
        try:
            PyErr_CheckSignals()
        except InterruptedError:  # raised by the handler: a selector then returns an empty list
            return 0
        epfd = epfd_ptr[0]
        if timeout_ms > 0:
            left = deadline - ps_clock()
            timeout_ms = <int>((left + 999_999) // 1_000_000) if left > 0 else 0
        with nogil:
            n = ps_epoll_wait(epfd, events, max_events, timeout_ms)
    if n < 0:
        raise_errno(n)
    return n


cdef inline int try_then_wait(const int *epfd_ptr, ps_event *events, int max_events,
                              int timeout_ms) except -1:
    """Try once with the GIL held. If events are ready, releasing the GIL is a cost for nothing."""
    cdef int n = ps_epoll_wait(epfd_ptr[0], events, max_events, 0)
    if n > 0 or n == 0 and timeout_ms == 0:
        return n
    return wait_without_gil(epfd_ptr, events, max_events, timeout_ms)


cdef class Epoll:
    """The base class of EpollSelector with the methods in C and the attributes that they need."""
    cdef object selector_object
    cdef epoll fast_epoll  # the same object; None if the standard library's methods must be used
    cdef Registered registered

    @property
    def _selector(self):
        cdef object found
        with cython.critical_section(self):
            found = self.selector_object
        return require_set(self, found, "_selector")

    @_selector.setter
    def _selector(self, selector):
        cdef bint handled = type(selector) is epoll and uses_base_attributes(self)
        with cython.critical_section(self):
            self.selector_object = selector
            self.fast_epoll = selector if handled and self.registered is not None else None

    @property
    def _fd_to_key(self):
        cdef object found
        with cython.critical_section(self):
            found = self.registered
        return require_set(self, found, "_fd_to_key")

    @_fd_to_key.setter
    def _fd_to_key(self, keys):
        cdef Registered registered = Registered(keys)
        with cython.critical_section(self):
            self.registered = registered

    def register(self, fileobj, events, data=None):
        """register(fileobj, events, data=None) -> SelectorKey

        Register *fileobj*, a descriptor or an object with a `fileno()` method. *events* is a mask
        of EVENT_READ and EVENT_WRITE to wait for. *data* is any object, stored in the key.

        Raises ValueError for wrong *events* or an invalid file object, KeyError if it is registered
        already, OSError if the kernel cannot wait for such a file. See `epoll_ctl(2)`.
        """
        cdef int mask = nonnegative_int(events)
        cdef int fileno
        cdef int outcome = 0
        cdef bint handled = False
        cdef bint is_registered = False
        cdef object fd
        cdef object key
        if is_mask(mask) and epfd_of(self) >= 0:
            fd = fd_of(self, fileobj)
            fileno = nonnegative_int(fd)
            key = new_key(fileobj, fd, events, data)
            with cython.critical_section(self):
                handled = fileno >= 0 and epfd_of(self) >= 0
                if handled:
                    is_registered = PyDict_Contains(self.registered, fd)
                    if not is_registered:
                        PyDict_SetItem(self.registered, fd, key)
                        outcome = ps_epoll_ctl(
                            epfd_of(self), EPOLL_CTL_ADD, fileno, epoll_events(mask))
            if is_registered:
                raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
            if handled:
                return key
        return base_register(self, fileobj, events, data)

    def unregister(self, fileobj):
        """unregister(fileobj) -> SelectorKey

        Unregister *fileobj* and return its key. Raises KeyError if it is not registered. A
        descriptor that was closed in the meantime is no error.
        """
        cdef int fileno = -1
        cdef object key = registered_key(self, fileobj, &fileno)
        if key is None:
            return base_unregister(self, fileobj)
        with cython.critical_section(self):
            PyDict_DelItem(self.registered, fileno)
            ps_epoll_ctl(epfd_of(self), EPOLL_CTL_DEL, fileno, 0)
            self.registered.invalidate_pair(fileno)
        return key

    def modify(self, fileobj, events, data=None):
        """modify(fileobj, events, data=None) -> SelectorKey

        Replace the *events* and the *data* of a registered *fileobj*; return its new key. Raises
        KeyError if it is not registered, ValueError for wrong *events*, OSError.
        """
        cdef int fileno = -1
        cdef int mask = nonnegative_int(events)
        cdef int outcome
        cdef bint changed
        cdef object key = registered_key(self, fileobj, &fileno) if is_mask(mask) else None
        if not is_key(key) or nonnegative_int(<object>PyTuple_GET_ITEM(key, KEY_FD)) != fileno:
            return base_modify(self, fileobj, events, data)
        changed = events != <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
        if changed:
            outcome = ps_epoll_ctl(epfd_of(self), EPOLL_CTL_MOD, fileno, epoll_events(mask))
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
        if data != <object>PyTuple_GET_ITEM(key, KEY_DATA) or changed:
            key = new_key(
                <object>PyTuple_GET_ITEM(key, KEY_FILEOBJ), <object>PyTuple_GET_ITEM(key, KEY_FD),
                events, data
            )
            with cython.critical_section(self):
                PyDict_SetItem(self.registered, fileno, key)
                self.registered.invalidate_pair(fileno)
        return key

    def select(self, timeout=None):
        """select(timeout=None) -> list of (key, events)

        Wait until a registered file object is ready, for at most *timeout* seconds (None: no limit;
        0 or less: do not wait). *events* is a mask of EVENT_READ and EVENT_WRITE. The list is empty
        if the timeout is over. See `epoll_wait(2)`.
        """
        cdef ps_event[EVENTS_ON_STACK] events
        cdef int timeout_ms = timeout_in_ms(timeout)
        cdef int max_events = -1
        cdef epoll fast_epoll  # a reference of its own: a signal handler may close the selector
        with cython.critical_section(self):
            fast_epoll = self.fast_epoll
            if epfd_of(self) >= 0:
                max_events = <int>PyDict_Size(self.registered)
        if max_events < 0 or timeout_ms < -1:
            return base_select(self, timeout)
        if max_events > EVENTS_ON_STACK:
            return select_many(self, fast_epoll, max_events, timeout_ms)
        return ready_pairs(
            self, events,
            try_then_wait(epfd_ptr_of(fast_epoll), events, max_events or 1, timeout_ms))


cdef list select_many(Epoll self, epoll fast_epoll, int max_events, int timeout_ms):
    cdef ps_event *events = <ps_event *>PyMem_Malloc(<size_t>max_events * sizeof(ps_event))
    if events == NULL:
        raise MemoryError()
    try:
        return ready_pairs(
            self, events, try_then_wait(epfd_ptr_of(fast_epoll), events, max_events, timeout_ms))
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


cdef object require_set(object self, object found, str name):
    if found is None:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    return found


cdef inline int epfd_of(Epoll self) noexcept:
    """The epoll descriptor; -1 if the standard library's method must be used."""
    with cython.critical_section(self):
        return -1 if self.fast_epoll is None else self.fast_epoll.epfd


cdef bint uses_base_attributes(object self) except -1:
    """Whether no subclass overrides the attributes that the C code does not look up."""
    return (
        self._EVENT_READ == EPOLLIN
        and self._EVENT_WRITE == EPOLLOUT
        and getattr(type(self), "_key_from_fd", None) is base_key_from_fd
    )


cdef object registered_key(Epoll self, object fileobj, int *fileno):
    """The key of *fileobj*, and its descriptor; None if the base method must be used."""
    cdef object fd
    cdef object key = None
    if epfd_of(self) < 0:
        return None
    try:
        fd = fd_of(self, fileobj)
        fileno[0] = nonnegative_int(fd)
        with cython.critical_section(self):
            if fileno[0] >= 0 and epfd_of(self) >= 0:
                key = dict_get(self.registered, fd)
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


cdef bint layout_matches() except -1:
    cdef epoll closed_epoll = select.epoll.fromfd(UNUSED_FD)
    try:
        return closed_epoll.epfd == UNUSED_FD
    finally:
        closed_epoll.epfd = -1  # its destructor must not close this number


if not layout_matches():
    raise ImportError("the field of select.epoll is not where this build expects it")
