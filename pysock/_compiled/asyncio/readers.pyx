"""`_add_reader`, `_remove_reader` and the same for writers, in C.

They are called when a transport is made and closed, paused and resumed. asyncio looks a descriptor up in
the selector's map, a Python class. Here it is looked up in the dict behind it.
"""

import asyncio
import asyncio.unix_events

cimport cython

from cpython.tuple cimport PyTuple_GET_ITEM

from ..core cimport traceback
from ..selectors.key cimport EVENT_READ, EVENT_WRITE, KEY_DATA, KEY_EVENTS, is_key
from ..selectors.registration cimport NOT_REGISTERED, registered_key
from ..selectors.registration import register, unregister  # without the Python functions in front
from .handle cimport cancel, new_handle
from .loop cimport check_closed, is_closed, is_plain, is_plain_selector, selector_of, without_own_entry

cdef enum:
    BEFORE_ASYNCIOS = 2  # the place of the function in front: asyncio's own method is the last entry

cdef object base = asyncio.unix_events._UnixSelectorEventLoop


cdef object key_of(object loop, object fd):
    """The key of *fd*; NOT_REGISTERED; None where asyncio's own method must be called."""
    cdef object key
    if not is_plain(loop) or not is_plain_selector(selector_of(loop)):
        return None
    key = registered_key(selector_of(loop), fd)
    return key if key is NOT_REGISTERED or is_key(key) and type(data_of(key)) is tuple else None


cdef inline object data_of(object key):
    return <object>PyTuple_GET_ITEM(key, KEY_DATA)


cdef object add(object loop, object key, object fd, int event, object callback, tuple arguments,
                object context):
    """Make the handle of *callback*, and register it for *event*."""
    cdef object handle, reader, writer, replaced
    check_closed(loop)
    handle = new_handle(callback, arguments, loop, context)
    if key is NOT_REGISTERED:
        register(
            selector_of(loop), fd, event, (handle, None) if event == EVENT_READ else (None, handle))
        return handle
    reader, writer = data_of(key)
    if event == EVENT_READ:
        replaced, reader = reader, handle
    else:
        replaced, writer = writer, handle
    selector_of(loop).modify(fd, <object>PyTuple_GET_ITEM(key, KEY_EVENTS) | event, (reader, writer))
    if replaced is not None:
        replaced.cancel()
    return handle


cdef dict given(object context):
    """The arguments for *context*, which asyncio's methods have since Python 3.15."""
    return {} if context is None else {"context": context}


cdef bint remove(object loop, object key, object fd, int event) except -1:
    """Unregister *fd* for *event*. Whether there was a handle."""
    cdef object mask, reader, writer, removed
    if key is NOT_REGISTERED or is_closed(loop):
        return False
    mask = <object>PyTuple_GET_ITEM(key, KEY_EVENTS) & ~event
    reader, writer = data_of(key)
    if event == EVENT_READ:
        removed, reader = reader, None
    else:
        removed, writer = writer, None
    if mask:
        selector_of(loop).modify(fd, mask, (reader, writer))
    else:
        selector_of(loop).unregister(fd)
    if removed is None:
        return False
    removed.cancel()
    return True


cdef int add_reader_of(object loop, object fd, object callback) except -1:
    """`loop._add_reader(fd, callback)`."""
    cdef object key = key_of(loop, fd)
    if key is None:
        loop._add_reader(fd, callback)
    else:
        add(loop, key, fd, EVENT_READ, callback, (), None)
    return 0


cdef bint remove_both(object loop, object fd) except -1:
    """`loop._remove_reader(fd)` and `loop._remove_writer(fd)`. Whether the loop is plain."""
    cdef object key = key_of(loop, fd)
    cdef object handle
    if key is None:
        loop._remove_reader(fd)
        loop._remove_writer(fd)
        return is_plain(loop)
    if key is not NOT_REGISTERED and not is_closed(loop):
        unregister(selector_of(loop), fd)
        for handle in data_of(key):
            if handle is not None:
                cancel(handle)
    return True


@cython.binding(False)
def add_reader(self, fd, callback, args, context):
    key = key_of(self, fd)
    if key is None:
        return without_own_entry(
            base._add_reader(self, fd, callback, *args, **given(context)), BEFORE_ASYNCIOS)
    return add(self, key, fd, EVENT_READ, callback, args, context)


@cython.binding(False)
def remove_reader(self, fd):
    key = key_of(self, fd)
    return base._remove_reader(self, fd) if key is None else remove(self, key, fd, EVENT_READ)


@cython.binding(False)
def add_writer(self, fd, callback, args, context):
    key = key_of(self, fd)
    if key is None:
        return without_own_entry(
            base._add_writer(self, fd, callback, *args, **given(context)), BEFORE_ASYNCIOS)
    return add(self, key, fd, EVENT_WRITE, callback, args, context)


@cython.binding(False)
def remove_writer(self, fd):
    key = key_of(self, fd)
    return base._remove_writer(self, fd) if key is None else remove(self, key, fd, EVENT_WRITE)
