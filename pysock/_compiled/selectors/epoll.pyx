"""The methods of EpollSelector that an event loop calls often, in C.

They are builtin functions. `methods.py` has a Python function in front of each one. The attributes
of a selector are the standard library's, in its `__dict__`. `_fd_to_key` has what is registered, as
a dict of a class in registered.pyx, and `_selector` has the `select.epoll`. Unusual arguments and
selectors go to the standard library's own method, which raises its own exceptions for them.
"""

import select as select_module

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
from ..core.errors cimport raise_errno
from ..core.gil_policy cimport MAX_MISSES, NO_WAIT, has_turn, learn_from_release
from .overrides cimport attributes_of, attributes_to_select, overrides_lookup
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
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    unsigned long PyLong_AsUnsignedLongMask(object number) except? <unsigned long>-1

cdef object SelectorKey = original.SelectorKey
cdef object base = original.EpollSelector
cdef object unregister_key = original.unregister_key
# Until Python 3.12 `select` looks up the method `_key_from_fd` for each descriptor.
cdef bint asks_key_from_fd = hasattr(base, "_key_from_fd")

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


cdef inline bint is_key_of(object key, int fileno) except -1:
    """Whether *key* is exactly a SelectorKey, and of this descriptor."""
    return is_key(key) and nonnegative_int(<object>PyTuple_GET_ITEM(key, KEY_FD)) == fileno


cdef inline bint is_mask(int events) noexcept:
    return 0 < events <= EVENT_READ | EVENT_WRITE


cdef inline uint32_t epoll_events(int events) noexcept:
    cdef uint32_t mask = 0
    if events & EVENT_READ:
        mask |= EPOLLIN
    if events & EVENT_WRITE:
        mask |= EPOLLOUT
    return mask


cdef inline Registered registered_of(dict attributes):
    """What is registered; None if the standard library's method must be used."""
    cdef object found
    if attributes is None:
        return None
    found = dict_get(attributes, "_fd_to_key")
    return <Registered>found if type(found) is Registered else None


cdef inline epoll epoll_of(dict attributes):
    """The `select.epoll`; None if it is closed, or of another class."""
    cdef object found
    if attributes is None:
        return None
    found = dict_get(attributes, "_selector")
    return <epoll>found if type(found) is epoll and (<epoll>found).epfd >= 0 else None


cdef inline bint handles_lookup(dict attributes, object fileobj) except -1:
    """Whether the descriptor can be looked up here, once.

    The standard library's method would look up that of an object a second time.
    """
    return (
        attributes is not None
        and not overrides_lookup(attributes)
        and (nonnegative_int(fileobj) >= 0 or epoll_of(attributes) is not None)
    )


cdef object fd_of(object self, object fileobj):
    """The descriptor of *fileobj*, which is its key in `_fd_to_key`, registered or not."""
    return fileobj if nonnegative_int(fileobj) >= 0 else self._fileobj_lookup(fileobj)


cdef object fd_of_registered(object self, object fileobj):
    """The same for a method that finds a key by it."""
    try:
        return fd_of(self, fileobj)
    except KeyError:
        raise KeyError(f"{fileobj!r} is not registered") from None


cdef int raise_not_registered(object fileobj, object fd) except -1:
    try:
        raise KeyError(fd)  # the context of the other one, as in the standard library
    except KeyError:
        raise KeyError(f"{fileobj!r} is not registered") from None


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
    if (timeout_ms == 0 or registered.misses < MAX_MISSES) and has_turn():
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


@cython.binding(False)
def register(self, fileobj, events, data):
    """register(fileobj, events, data=None) -> SelectorKey

    Register *fileobj*, a descriptor or an object with a `fileno()` method. *events* is a mask
    of EVENT_READ and EVENT_WRITE to wait for. *data* is any object, stored in the key.

    Raises ValueError for wrong *events* or an invalid file object, KeyError if it is registered
    already, OSError if the kernel cannot wait for such a file. See `epoll_ctl(2)`.
    """
    cdef int mask = nonnegative_int(events)
    cdef int fileno
    cdef int outcome = 0
    cdef bint is_registered
    cdef dict attributes = attributes_of(self) if is_mask(mask) else None
    cdef Registered registered
    cdef epoll poller
    cdef object fd, key
    if handles_lookup(attributes, fileobj):
        fd = fd_of(self, fileobj)
        fileno = nonnegative_int(fd)
        # Read after the look-up, which may have run Python code.
        registered = registered_of(attributes)
        poller = epoll_of(attributes)
        if fileno >= 0 and registered is not None and poller is not None:
            key = new_key(fileobj, fd, events, data)
            with cython.critical_section(registered):
                is_registered = PyDict_Contains(registered, fd)
                if not is_registered:
                    PyDict_SetItem(registered, fd, key)
                    outcome = ps_epoll_ctl(
                        poller.epfd, EPOLL_CTL_ADD, fileno, epoll_events(mask))
            if is_registered:
                raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
            return key
    return base.register(self, fileobj, events, data)


@cython.binding(False)
def unregister(self, fileobj):
    """unregister(fileobj) -> SelectorKey

    Unregister *fileobj* and return its key. Raises KeyError if it is not registered. A
    descriptor that was closed in the meantime is no error.
    """
    cdef int fileno
    cdef bint handled
    cdef bint is_registered = True
    cdef dict attributes = attributes_of(self)
    cdef Registered registered
    cdef epoll poller
    cdef object fd, key
    if handles_lookup(attributes, fileobj):
        fd = fd_of_registered(self, fileobj)
        fileno = nonnegative_int(fd)
        registered = registered_of(attributes)
        poller = epoll_of(attributes)
        if fileno >= 0 and registered is not None and poller is not None:
            with cython.critical_section(registered):
                key = dict_get(registered, fd)
                handled = is_key_of(key, fileno)
                if handled:
                    PyDict_DelItem(registered, fd)
                    ps_epoll_ctl(poller.epfd, EPOLL_CTL_DEL, fileno, 0)
                    registered.invalidate_pair(fileno)
                else:
                    is_registered = PyDict_Contains(registered, fd)
            if handled:
                return key
            if not is_registered:
                raise_not_registered(fileobj, fd)
    return base.unregister(self, fileobj)


@cython.binding(False)
def modify(self, fileobj, events, data):
    """modify(fileobj, events, data=None) -> SelectorKey

    Replace the *events* and the *data* of a registered *fileobj*; return its new key. Raises
    KeyError if it is not registered, ValueError for wrong *events*, OSError.
    """
    cdef int mask = nonnegative_int(events)
    cdef int fileno
    cdef bint is_registered = True
    cdef dict attributes = attributes_of(self) if is_mask(mask) else None
    cdef Registered registered
    cdef object fd, key
    if handles_lookup(attributes, fileobj):
        fd = fd_of_registered(self, fileobj)
        fileno = nonnegative_int(fd)
        registered = registered_of(attributes)
        if fileno >= 0 and registered is not None:
            with cython.critical_section(registered):
                key = dict_get(registered, fd)
                if key is None:
                    is_registered = PyDict_Contains(registered, fd)
            if not is_registered:
                raise_not_registered(fileobj, fd)
            if is_key_of(key, fileno):
                return modify_key(self, attributes, fileobj, key, fileno, events, data)
    return base.modify(self, fileobj, events, data)


cdef object modify_key(object self, dict attributes, object fileobj, object key, int fileno,
                       object events, object data):
    """Comparing may run Python code. What it may change is read after it."""
    cdef int outcome
    cdef Registered registered
    cdef epoll poller
    cdef object fd = <object>PyTuple_GET_ITEM(key, KEY_FD)
    cdef bint changed = events != <object>PyTuple_GET_ITEM(key, KEY_EVENTS)
    if changed:
        poller = epoll_of(attributes)
        if poller is None:
            return base.modify(self, fileobj, events, data)
        outcome = ps_epoll_ctl(poller.epfd, EPOLL_CTL_MOD, fileno, epoll_events(nonnegative_int(events)))
        if outcome < 0:
            unregister_and_raise(self, fileobj, outcome)
    if data != <object>PyTuple_GET_ITEM(key, KEY_DATA) or changed:
        key = new_key(<object>PyTuple_GET_ITEM(key, KEY_FILEOBJ), fd, events, data)
        registered = registered_of(attributes)
        if registered is None:
            self._fd_to_key[fd] = key
        else:
            with cython.critical_section(registered):
                PyDict_SetItem(registered, fd, key)
                registered.invalidate_pair(fileno)
    return key


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
    cdef int i, mask
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


cdef int unregister_and_raise(object self, object fileobj, int outcome) except -1:
    try:
        raise_errno(outcome)
    except OSError:
        unregister_key(self, fileobj)
        raise


cdef bint layout_matches() except -1:
    cdef epoll closed_epoll = select_module.epoll.fromfd(UNUSED_FD)
    try:
        return closed_epoll.epfd == UNUSED_FD
    finally:
        closed_epoll.epfd = -1  # its destructor must not close this number


if not layout_matches():
    raise ImportError("the field of select.epoll is not where this build expects it")
