"""register, unregister and modify of EpollSelector in C, and a registration for one event.

They are builtin functions. `methods.py` has a Python function in front of each one. The attributes
of a selector are the standard library's, in its `__dict__`. `_fd_to_key` has what is registered, as
a dict of a class in registered.pyx, and `_selector` has the `select.epoll`. Unusual arguments and
selectors go to the standard library's own method, which raises its own exceptions for them.

`register_once` is for an event loop that waits for one descriptor again and again. It registers it with
EPOLLONESHOT: the kernel reports one event, and then none until the next EPOLL_CTL_MOD. The key is
removed after the event as any other. The descriptor stays in the kernel's list, where it costs
nothing, so a wait makes one system call in place of two.

A descriptor may be closed while a duplicate keeps its file open. The file then stays in the kernel's
list under a number that another file may have by now. So each registration for one event has a tag, a
number that comes back with the event. Where a descriptor is registered for one event, an event with
another tag is ignored. Events of other registrations are not compared: `select.epoll` leaves what stands
in the place of the tag as it was.
"""

cimport cython

from cpython.dict cimport PyDict_Contains, PyDict_DelItem, PyDict_SetItem, PyDict_Size
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.errno cimport ENOENT
from libc.stdint cimport uint32_t

from ..._shared import original
from ..core.errors cimport raise_errno
from ..core.threads cimport dict_get
from ..sys.ps_epoll cimport (
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLONESHOT, ps_epoll_ctl,
)
from .epoll_object cimport epoll, epoll_of
from .key cimport (
    KEY_DATA, KEY_EVENTS, KEY_FD, KEY_FILEOBJ, epoll_events, is_key_of, is_mask, new_key,
)
from .overrides cimport ATTRIBUTES, attributes_of, overrides_lookup
from .registered cimport Registered, nonnegative_int, registered_of

cdef object base = original.EpollSelector
cdef object unregister_key = original.unregister_key


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


cdef inline int add(Registered registered, epoll poller, int fd, uint32_t events, uint32_t tag) noexcept:
    """Add *fd* to the kernel's list, or change its entry where the list still has it."""
    cdef int outcome = -ENOENT
    if registered.tag_of(fd) != 0:
        outcome = ps_epoll_ctl(poller.epfd, EPOLL_CTL_MOD, fd, events, tag)
    if outcome == -ENOENT:  # another file by now, or never there
        outcome = ps_epoll_ctl(poller.epfd, EPOLL_CTL_ADD, fd, events, tag)
    registered.set_tag(fd, tag if outcome == 0 else 0)
    return outcome


cdef int remove_left(Registered registered, epoll poller) except -1:
    """Remove from the kernel's list what is not registered any more.

    The standard library's method is about to add a descriptor, and does not expect it there.
    """
    cdef int fd
    if registered is None or poller is None:
        return 0
    for fd in range(registered.tag_count):
        if registered.tag_of(fd) != 0 and not PyDict_Contains(registered, fd):
            ps_epoll_ctl(poller.epfd, EPOLL_CTL_DEL, fd, 0, 0)
            registered.set_tag(fd, 0)
    return 0


cdef uint32_t register_once(object selector, object fd, int mask, object data) except? 0:
    """Register the descriptor *fd* for the next event of *mask*. Return the registration's tag.

    0 if the method `register` must be called: for another selector, and for a descriptor that is
    registered, or that the kernel refuses.
    """
    cdef dict attributes = attributes_of(selector)
    cdef Registered registered = registered_of(attributes)
    cdef epoll poller = epoll_of(attributes)
    cdef int fileno = nonnegative_int(fd)
    cdef uint32_t tag = 0
    if (registered is None or poller is None or fileno < 0 or PyDict_Size(attributes) != ATTRIBUTES
            or overrides_lookup(attributes)):
        return 0
    key = new_key(fd, fd, mask, data)
    with cython.critical_section(registered):
        if not PyDict_Contains(registered, fd):
            tag = registered.new_tag(fileno)
            if tag != 0 and add(registered, poller, fileno, epoll_events(mask) | EPOLLONESHOT, tag) < 0:
                tag = 0
            if tag != 0:
                PyDict_SetItem(registered, fd, key)
    return tag


NOT_REGISTERED = object()


cdef object registered_key(object selector, object fd):
    """The key of the descriptor *fd*; NOT_REGISTERED; None where the selector's methods must be asked."""
    cdef dict attributes = attributes_of(selector)
    cdef Registered registered = registered_of(attributes)
    if (registered is None or nonnegative_int(fd) < 0 or PyDict_Size(attributes) != ATTRIBUTES
            or overrides_lookup(attributes)):
        return None
    key = dict_get(registered, fd)
    return NOT_REGISTERED if key is None else key


cdef bint register_again(object selector, object fd, int mask, uint32_t tag) except -1:
    """Wait for one more event, with the same key. False if the registration is another by now."""
    cdef dict attributes = attributes_of(selector)
    cdef Registered registered = registered_of(attributes)
    cdef epoll poller = epoll_of(attributes)
    cdef int fileno = nonnegative_int(fd)
    cdef int outcome = -ENOENT
    if registered is None or poller is None or registered.tag_of(fileno) != tag:
        return False
    outcome = add(registered, poller, fileno, epoll_events(mask) | EPOLLONESHOT, tag)
    if outcome < 0:
        raise_errno(outcome)
    return True


cdef bint unregister_fired(object selector, object fd, uint32_t tag) except -1:
    """Remove the key after the event. False if the registration is another by now."""
    cdef Registered registered = registered_of(attributes_of(selector))
    cdef int fileno = nonnegative_int(fd)
    cdef bint found = False
    if registered is None:
        return False
    with cython.critical_section(registered):
        if registered.tag_of(fileno) == tag and PyDict_Contains(registered, fd):
            PyDict_DelItem(registered, fd)
            registered.invalidate_pair(fileno)
            found = True
    return found


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
                    outcome = add(registered, poller, fileno, epoll_events(mask), 0)
            if is_registered:
                raise KeyError(f"{fileobj!r} (FD {fd}) is already registered")
            if outcome < 0:
                unregister_and_raise(self, fileobj, outcome)
            return key
    remove_left(registered_of(attributes_of(self)), epoll_of(attributes_of(self)))
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
                    ps_epoll_ctl(poller.epfd, EPOLL_CTL_DEL, fileno, 0, 0)
                    registered.set_tag(fileno, 0)
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
    registered = registered_of(attributes)
    if changed or registered is not None and registered.tag_of(fileno) != 0:
        changed = True
        poller = epoll_of(attributes)
        if poller is None:
            return base.modify(self, fileobj, events, data)
        if registered is not None and registered.tag_of(fileno) != 0:
            # The descriptor may be another file's by now, which nobody registers: a wait has the key.
            outcome = add(registered, poller, fileno, epoll_events(nonnegative_int(events)), 0)
        else:
            outcome = ps_epoll_ctl(
                poller.epfd, EPOLL_CTL_MOD, fileno, epoll_events(nonnegative_int(events)), 0)
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


cdef int unregister_and_raise(object self, object fileobj, int outcome) except -1:
    try:
        raise_errno(outcome)
    except OSError:
        unregister_key(self, fileobj)
        raise
