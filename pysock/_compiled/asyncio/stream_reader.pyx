"""What `asyncio.StreamReader` does for each piece of data and each read, in C.

The reader is the standard library's class with slots for its attributes. Its coroutines are Python
functions in streams.py. Each one calls a function of this module, which returns

* the bytes, where they are in the buffer;
* a future to wait for, where the buffer has too few;
* asyncio's own coroutine, not yet awaited, for everything else: errors, the end of the stream, unusual
  arguments, methods that are overridden or patched.
"""

import asyncio
import asyncio.streams

cimport cython

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from ..core cimport traceback
from ..core.member cimport get_member, member, member_is, member_of, set_member
from ..core.tracing cimport is_traced
from .loop cimport create_future_of
from .original_methods cimport OriginalMethods

cdef object base = asyncio.StreamReader
cdef object StreamReaderProtocol = asyncio.StreamReaderProtocol

cdef object Future = asyncio.Future
cdef object future_cancelled = Future.cancelled
cdef object future_set_result = Future.set_result

cdef tuple METHODS = (
    "_maybe_resume_transport", "_wait_for_data", "_wakeup_waiter", "exception", "feed_data", "read",
    "readexactly", "readline", "readuntil",
)
cdef OriginalMethods methods = OriginalMethods(base, METHODS)
cdef OriginalMethods protocol_methods = OriginalMethods(
    StreamReaderProtocol, ("_stream_reader", "data_received"))

cdef member *LIMIT = NULL
cdef member *LOOP = NULL
cdef member *BUFFER = NULL
cdef member *EOF = NULL
cdef member *WAITER = NULL
cdef member *EXCEPTION = NULL
cdef member *TRANSPORT = NULL
cdef member *PAUSED = NULL
cdef object reader_class = None

SLOTS = ("_limit", "_loop", "_buffer", "_eof", "_waiter", "_exception", "_transport", "_paused")


def register_class(cls, /):
    """Make *cls* the class of the readers. It has SLOTS, and its coroutines call this module."""
    global LIMIT, LOOP, BUFFER, EOF, WAITER, EXCEPTION, TRANSPORT, PAUSED, reader_class
    reader_class = cls
    LIMIT, LOOP, BUFFER = member_of(cls, "_limit"), member_of(cls, "_loop"), member_of(cls, "_buffer")
    EOF, WAITER, EXCEPTION = member_of(cls, "_eof"), member_of(cls, "_waiter"), member_of(cls, "_exception")
    TRANSPORT, PAUSED = member_of(cls, "_transport"), member_of(cls, "_paused")
    methods.register_class(cls)


@cython.binding(False)
def has_original_methods():
    """Whether nobody has replaced the methods that C code goes round."""
    return methods.are_those_of(reader_class) and protocol_methods.are_those_of(StreamReaderProtocol)


cdef bint is_plain(object reader) except -1:
    """Whether C code may go round the methods of *reader*."""
    return (isinstance(reader, reader_class) and not is_traced() and methods.are_those_of(type(reader))
            and type(get_member(reader, BUFFER)) is bytearray and type(get_member(reader, LIMIT)) is int)


cdef object reader_of(object protocol):
    """The reader of *protocol*, if both are such that C code may feed it; None otherwise."""
    cdef object reference, reader
    if type(protocol) is not StreamReaderProtocol or not protocol_methods.are_those_of(StreamReaderProtocol):
        return None
    reference = protocol._stream_reader_wr
    if reference is None:
        return None
    reader = reference()
    return reader if type(reader) is reader_class and is_plain(reader) else None


cdef bint has_no_error(object reader) except -1:
    """Whether *reader* is one in C, and `exception()` is None."""
    return type(reader) is reader_class and is_plain(reader) and member_is(reader, EXCEPTION, None)


cdef int feed(object reader, bytes data) except -1:
    """`feed_data` for a reader of `reader_of`."""
    cdef object buffer, waiter
    cdef Py_ssize_t size
    if not member_is(reader, EOF, False) or not data:
        base.feed_data(reader, data)
        return 0
    buffer = get_member(reader, BUFFER)
    size = PyByteArray_GET_SIZE(buffer)
    PyByteArray_Resize(buffer, size + PyBytes_GET_SIZE(data))
    memcpy(PyByteArray_AS_STRING(buffer) + size, PyBytes_AS_STRING(data),
           <size_t>PyBytes_GET_SIZE(data))
    waiter = get_member(reader, WAITER)
    if waiter is not None:
        set_member(reader, WAITER, None)
        set_done(waiter)
    if (not member_is(reader, TRANSPORT, None) and member_is(reader, PAUSED, False)
            and PyByteArray_GET_SIZE(buffer) > 2 * get_member(reader, LIMIT)):
        pause(reader)
    return 0


cdef int set_done(object waiter) except -1:
    """Set the result of the future, unless it is cancelled."""
    if type(waiter) is not Future:
        if not waiter.cancelled():
            waiter.set_result(None)
    elif not future_cancelled(waiter):
        future_set_result(waiter, None)
    return 0


cdef int pause(object reader) except -1:
    """Pause the transport; one that cannot be paused is not asked again."""
    try:
        get_member(reader, TRANSPORT).pause_reading()
    except NotImplementedError:
        set_member(reader, TRANSPORT, None)
    else:
        set_member(reader, PAUSED, True)
    return 0


@cython.binding(False)
def feed_data(self, data):
    if type(data) is bytes and is_plain(self):
        feed(self, data)
    else:
        base.feed_data(self, data)


cdef bytes cut(object reader, Py_ssize_t n):
    """Remove *n* bytes from the buffer, or as many as it has, and return them."""
    cdef object buffer = get_member(reader, BUFFER)
    cdef Py_ssize_t size = PyByteArray_GET_SIZE(buffer)
    cdef bytes data
    if n < size:
        data = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffer), n)
        del buffer[:n]
    else:
        data = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffer), size)
        PyByteArray_Resize(buffer, 0)
    if not member_is(reader, PAUSED, False) and PyByteArray_GET_SIZE(buffer) <= get_member(reader, LIMIT):
        set_member(reader, PAUSED, False)
        get_member(reader, TRANSPORT).resume_reading()
    return data


cdef object wait_for_data(object reader):
    """The future of a waiting read, as `_wait_for_data` makes it."""
    cdef object waiter
    if not member_is(reader, PAUSED, False):
        set_member(reader, PAUSED, False)
        get_member(reader, TRANSPORT).resume_reading()
    waiter = create_future_of(get_member(reader, LOOP))
    set_member(reader, WAITER, waiter)
    return waiter


cdef bint has_failed(object reader) except -1:
    return not member_is(reader, EXCEPTION, None)


cdef bint can_read(object reader, bint has_waited) except -1:
    """Whether no error is to be raised, and no other coroutine waits.

    A read that has waited still gets what came before the error.
    """
    return (is_plain(reader) and (has_waited or not has_failed(reader))
            and member_is(reader, WAITER, None))


@cython.binding(False)
def start_read(self, n):
    """Return bytes, a future, or asyncio's own coroutine `read`."""
    if type(n) is not int or n <= 0 or not can_read(self, False):
        return base.read(self, n)
    if PyByteArray_GET_SIZE(get_member(self, BUFFER)) == 0 and member_is(self, EOF, False):
        return wait_for_data(self)
    return finish_read(self, n)


@cython.binding(False)
def finish_read(self, n):
    """Return the bytes of a `read` that has waited; asyncio's own coroutine if C code may not."""
    return cut(self, n) if is_plain(self) else base.read(self, n)


@cython.binding(False)
def try_readexactly(self, n, has_waited):
    """Return bytes, a future, or asyncio's own coroutine `readexactly`."""
    if type(n) is not int or n <= 0 or not can_read(self, has_waited):
        return base.readexactly(self, n)
    if n <= PyByteArray_GET_SIZE(get_member(self, BUFFER)):
        return cut(self, n)
    if has_failed(self) or not member_is(self, EOF, False):
        return base.readexactly(self, n)
    return wait_for_data(self)


cdef object cut_after(object reader, bytes separator, bint has_waited):
    """Bytes, a future, or None, which leaves the call to asyncio's own coroutine.

    A search that was no success after the first wait is left to it: it does not search twice in the
    same bytes.
    """
    cdef object buffer = get_member(reader, BUFFER)
    cdef Py_ssize_t at = buffer.find(separator)
    if at >= 0:
        return cut(reader, at + PyBytes_GET_SIZE(separator)) if at <= get_member(reader, LIMIT) else None
    if (has_waited or has_failed(reader) or not member_is(reader, EOF, False)
            or len(buffer) > get_member(reader, LIMIT)):
        return None
    return wait_for_data(reader)


@cython.binding(False)
def try_readuntil(self, separator, has_waited):
    """Return bytes, a future, or asyncio's own coroutine `readuntil`."""
    cdef object outcome = None
    if type(separator) is bytes and PyBytes_GET_SIZE(separator) and can_read(self, has_waited):
        outcome = cut_after(self, separator, has_waited)
    return base.readuntil(self, separator) if outcome is None else outcome


@cython.binding(False)
def try_readline(self, has_waited):
    """Return bytes, a future, or asyncio's own coroutine `readline`."""
    cdef object outcome = cut_after(self, b"\n", has_waited) if can_read(self, has_waited) else None
    return base.readline(self) if outcome is None else outcome
