"""Whole transfers: all that was asked for, or an exception that says how far it came.

recv_exactly, recv_exactly_into, sendall, sendmsg_all. Each is a method: _accelerated.py lists it in
`socket`. What a method does not know completely goes, before anything has moved, to the loops over
the standard library: another family, a class whose own `recv` or `send` does more (TLS, for one).
"""

import sys

from ..._shared import loops
from ..._shared.exceptions import IncompleteReadError
from ..._shared.arguments import not_writable

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from ..core.progress cimport set_progress
from ..core.buffers cimport Buffers, acquire_readable, acquire_writable
from ..core.retry cimport transfer_whole
from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from ..core.arguments cimport int_of
from ..core.socket_object cimport audit_address, socket
from ..core.threads cimport HAS_GIL, pop_spare, push_spare, shared_pointer
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport MSG_MORE, PS_COPIED_MOST, msghdr, ps_gather, ps_io, ps_recv, ps_send, ps_sendmsg
from ..sys.ps_socket cimport SOCK_STREAM
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef extern from "Python.h":
    # The functions' raw forms: the reference below is counted by hand.
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *data)
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1
    bint PyList_CheckExact(object o)
    bint PyTuple_CheckExact(object o)
    bint is_bytes "PyBytes_CheckExact"(PyObject *data)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject *data)
    PyObject **sequence_items "PySequence_Fast_ITEMS"(object o)
    Py_ssize_t sequence_size "PySequence_Fast_GET_SIZE"(object o)


cdef enum:
    ON_STACK = 4096  # bytes of small buffers that are put together on the C stack
    ROOM = 1 << 18   # of more of them, at a time

cdef shared_pointer spare_room = NULL  # taken while in use, so that no two threads share it

cdef object exc_info = sys.exc_info
cdef object socket_class = None  # set once, by _accelerated.py


def register_class(cls, /):
    """Make *cls* the class whose `recv`, `recv_into` and `send` are known here."""
    global socket_class
    socket_class = cls


cdef bint is_known(socket sock, str method) except -1:
    """Is *sock* a stream of which *method* does nothing that these calls would leave out?"""
    return (sock.sock_type == SOCK_STREAM and ps_addr_family_known(sock.sock_family)
            and (type(sock) is socket_class
                 or getattr(type(sock), method) is getattr(socket_class, method)))


# Receiving


cdef object cut(PyObject **data, size_t size):
    """The bytes object *data*, cut to *size*; nobody else has it, and it is not the caller's any more."""
    cdef PyObject *taken
    _PyBytes_Resize(data, <Py_ssize_t>size)
    taken = data[0]
    data[0] = NULL
    result = <object>taken
    Py_DECREF(result)
    return result


def recv_exactly(socket self not None, Py_ssize_t n, /, *, timeout=NOT_GIVEN, deadline=None):
    """recv_exactly(n, *, timeout=..., deadline=None) -> bytes

    Receive *n* bytes, all of them, straight into the object that is returned; IncompleteReadError
    where the stream ends before. *timeout* in seconds (None: without end) or *deadline*, a
    `time.monotonic()`, is for the whole call; without either it is the socket's timeout.

    An exception has `partial`, the bytes that came before it: nothing is lost. Raises TimeoutError,
    BlockingIOError, OSError (EOPNOTSUPP where the socket is no stream), ValueError for a negative
    *n*. Memory for *n* bytes is asked for at once: where the peer chose *n*, limit it.
    """
    cdef PyObject *data = NULL
    cdef ps_io io
    cdef Deadline until
    cdef int done = -1
    if n < 0:
        raise ValueError("negative buffersize in recv_exactly")
    if not is_known(self, "recv"):
        return loops.transfer.recv_exactly(self, n, timeout=timeout, deadline=deadline)
    until = deadline_of(self, timeout, deadline)
    if n == 0:
        return b""
    io.len = io.likely = <size_t>n
    io.name = NULL
    io.msg = NULL
    io.flags = 0
    try:
        data = new_bytes(NULL, n)
        io.buf = bytes_data(data)
        done = transfer_whole(self, ps_recv, &io, POLLIN, until.timeout, &until.at)
    finally:
        if done < 0:
            set_progress(exc_info()[1], "partial", cut(&data, <size_t>n - io.len) if data != NULL else b"")
    received = cut(&data, <size_t>n - io.len)
    if not done:
        raise IncompleteReadError(received, n)
    return received


def recv_exactly_into(socket self not None, buffer, /, *, timeout=NOT_GIVEN, deadline=None):
    """recv_exactly_into(buffer, *, timeout=..., deadline=None) -> number of bytes

    Fill a writable *buffer*, all of it; the number is its size. As `recv_exactly`; an exception has
    `bytes_received`: so many bytes of the buffer are filled.
    """
    cdef Py_buffer view
    cdef ps_io io
    cdef Deadline until
    cdef int done = 0
    if not is_known(self, "recv_into"):
        return loops.transfer.recv_exactly_into(self, buffer, timeout=timeout, deadline=deadline)
    until = deadline_of(self, timeout, deadline)
    if not acquire_writable(buffer, 0, &view, &io):
        raise not_writable(buffer, "recv_exactly_into")
    io.flags = 0
    try:
        if io.len > 0 and not transfer_whole(self, ps_recv, &io, POLLIN, until.timeout,
                                             &until.at):
            partial = PyBytes_FromStringAndSize(<char *>view.buf, view.len - <Py_ssize_t>io.len)
            raise IncompleteReadError(partial, view.len)
        done = 1
        return view.len
    finally:
        if not done:
            set_progress(exc_info()[1], "bytes_received", view.len - <Py_ssize_t>io.len)
        PyBuffer_Release(&view)


# Sending


def sendall(socket self not None, data, Py_ssize_t flags=0, /):
    """sendall(data[, flags])

    Send all of *data*. The socket's timeout is for the whole call. An exception has `bytes_sent`:
    how many bytes of *data* the kernel took. Raises what `send` raises.
    """
    cdef Py_buffer view
    cdef bint held
    cdef ps_io io
    cdef size_t size
    cdef int64_t deadline = 0
    cdef int done = 0
    if not ps_addr_family_known(self.sock_family):
        return loops.transfer.sendall(self, data, flags)
    io.flags = int_of(flags)
    held = acquire_readable(data, &view, &io)
    size = io.len
    try:
        done = transfer_whole(self, ps_send, &io, POLLOUT, self.sock_timeout, &deadline)
    finally:
        if held:
            PyBuffer_Release(&view)
        if not done:
            set_progress(exc_info()[1], "bytes_sent", size - io.len)


cdef char *acquire_scratch() except NULL:
    """ROOM bytes that nobody else has."""
    cdef char *room = <char *>pop_spare(&spare_room)
    if room == NULL:
        room = <char *>PyMem_RawMalloc(ROOM)
    if room == NULL:
        raise MemoryError()
    return room


cdef void release_scratch(char *room) noexcept:
    if not push_spare(&spare_room, room):
        PyMem_RawFree(room)


cdef size_t size_if_small(object buffers) noexcept:
    """The size of all *buffers*, if they are small bytes in a list or tuple, and fit in ROOM; or 0."""
    cdef PyObject **items
    cdef Py_ssize_t i
    cdef size_t size
    cdef size_t total = 0
    if not (PyList_CheckExact(buffers) or PyTuple_CheckExact(buffers)):
        return 0
    items = sequence_items(buffers)
    for i in range(sequence_size(buffers)):
        if not is_bytes(items[i]):
            return 0
        size = <size_t>bytes_size(items[i])
        total += size
        if size > PS_COPIED_MOST or total > ROOM:
            return 0
    return total


cdef int send_small(socket sock, object buffers, size_t *left, Deadline *until) except -1:
    """Send *buffers*, of which `size_if_small` has just said *left*; that is what was not sent then.

    No Python code runs before all is copied: nobody can change a list. (Without a GIL it is none.)
    """
    cdef char[ON_STACK] stack
    cdef char *room = acquire_scratch() if left[0] > ON_STACK else &stack[0]
    cdef PyObject **items = sequence_items(buffers)
    cdef size_t at = 0
    cdef Py_ssize_t i
    cdef ps_io io
    for i in range(sequence_size(buffers)):
        memcpy(room + at, bytes_data(items[i]), <size_t>bytes_size(items[i]))
        at += <size_t>bytes_size(items[i])
    io.buf = room
    io.len = io.likely = at
    io.name = NULL
    io.msg = NULL
    io.flags = 0
    try:
        transfer_whole(sock, ps_send, &io, POLLOUT, until.timeout, &until.at)
    finally:
        left[0] = io.len
        if at > ON_STACK:
            release_scratch(room)
    return 0


cdef int send_gathered(socket sock, Buffers data, size_t *left, Deadline *until) except -1:
    """Send *data*, as much at once as the kernel takes; *left* is what was not sent."""
    cdef char[ON_STACK] stack
    cdef char *room = &stack[0]
    cdef size_t room_size = ON_STACK
    cdef Py_ssize_t at = 0
    cdef size_t size
    cdef msghdr msg
    cdef ps_io io
    if left[0] > ON_STACK:
        room = acquire_scratch()
        room_size = ROOM
    try:
        while left[0] > 0:
            at += <Py_ssize_t>ps_gather(&io, &msg, &data.iov[at], <size_t>(data.count - at), room,
                                        room_size)
            size = io.len
            io.flags = MSG_MORE if size < left[0] else 0  # as if all were one
            PyErr_CheckSignals()
            try:
                transfer_whole(sock, ps_send if io.msg == NULL else ps_sendmsg, &io, POLLOUT,
                               until.timeout, &until.at)
            finally:
                left[0] -= size - io.len
    finally:
        if room_size == ROOM:
            release_scratch(room)
    return 0


def sendmsg_all(socket self not None, buffers, /, *, timeout=NOT_GIVEN, deadline=None):
    """sendmsg_all(buffers, *, timeout=..., deadline=None)

    Send the bytes of many buffers, all of them, as if they were one (`sendmsg(2)`). *timeout* in
    seconds (None: without end) or *deadline*, a `time.monotonic()`, is for the whole call; without
    either it is the socket's timeout.

    An exception has `bytes_sent`: how many bytes of all the buffers the kernel took. Raises
    TimeoutError, BlockingIOError, OSError (EOPNOTSUPP where the socket is no stream). Audit event
    `socket.sendmsg`, once.
    """
    cdef Deadline until
    cdef Buffers data = None
    cdef size_t total, left
    cdef int done = 0
    if not is_known(self, "send"):
        return loops.transfer.sendmsg_all(self, buffers, timeout=timeout, deadline=deadline)
    until = deadline_of(self, timeout, deadline)
    audit_address("socket.sendmsg", self, None)
    if not HAS_GIL and PyList_CheckExact(buffers):
        buffers = tuple(buffers)  # which no other thread can change
    total = size_if_small(buffers)
    if total == 0:
        data = Buffers.__new__(Buffers)
        data.acquire(tuple(buffers), PyBUF_SIMPLE)
        total = data.total
    left = total
    try:
        if data is None:
            send_small(self, buffers, &left, &until)
        else:
            send_gathered(self, data, &left, &until)
        done = 1
    finally:
        if not done:
            set_progress(exc_info()[1], "bytes_sent", total - left)
