"""sendall, sendmsg_all: all that was given, or an exception that says how much was sent.

Each is a method: _compiled/socket.py lists it in `socket`. A socket that is no stream known here, or
whose class has a `send` of its own (TLS), goes to the loops over the standard library before anything
has moved.
"""

import sys

from ..._shared import loops

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from ..core.arguments cimport ssize_as_int
from ..core.buffers cimport Buffers, acquire_readable
from ..core.bytes_object cimport STACK_BYTES, bytes_data, bytes_size, is_bytes
from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from ..core.progress cimport set_progress
from ..core.retry cimport transfer_whole
from ..core.socket_class cimport is_stream
from ..core.socket_object cimport audit_address, socket
from ..core.threads cimport HAS_GIL, pop_spare, push_spare, shared_pointer
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport MSG_MORE, PS_COPIED_MOST, msghdr, ps_gather, ps_io, ps_send, ps_sendmsg
from ..sys.ps_wait cimport POLLOUT


cdef extern from "Python.h":
    bint PyList_CheckExact(object o)
    bint PyTuple_CheckExact(object o)
    # The items' raw form, without a reference.
    PyObject **sequence_items "PySequence_Fast_ITEMS"(object o)
    Py_ssize_t sequence_size "PySequence_Fast_GET_SIZE"(object o)


cdef enum:
    SCRATCH = 1 << 18  # bytes of small buffers that are put together at a time

cdef shared_pointer spare_scratch = NULL  # taken while in use, so that no two threads share it

cdef object exc_info = sys.exc_info


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
    io.flags = ssize_as_int(flags)
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
    """SCRATCH bytes that nobody else has."""
    cdef char *room = <char *>pop_spare(&spare_scratch)
    if room == NULL:
        room = <char *>PyMem_RawMalloc(SCRATCH)
    if room == NULL:
        raise MemoryError()
    return room


cdef void release_scratch(char *room) noexcept:
    if not push_spare(&spare_scratch, room):
        PyMem_RawFree(room)


cdef size_t size_if_small(object buffers) noexcept:
    """The size of all *buffers*, if they are small bytes in a list or tuple, and fit in SCRATCH; or 0."""
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
        if size > PS_COPIED_MOST or total > SCRATCH:
            return 0
    return total


cdef int send_small(socket sock, object buffers, size_t *left, Deadline *until) except -1:
    """Send *buffers*, of which `size_if_small` has just said *left*; that is what was not sent then.

    No Python code runs before all is copied: nobody can change a list. (Without a GIL it is none.)
    """
    cdef char[STACK_BYTES] stack
    cdef char *room = acquire_scratch() if left[0] > STACK_BYTES else &stack[0]
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
        if at > STACK_BYTES:
            release_scratch(room)
    return 0


cdef int send_gathered(socket sock, Buffers data, size_t *left, Deadline *until) except -1:
    """Send *data*, as much at once as the kernel takes; *left* is what was not sent."""
    cdef char[STACK_BYTES] stack
    cdef char *room = &stack[0]
    cdef size_t room_size = STACK_BYTES
    cdef Py_ssize_t at = 0
    cdef size_t size
    cdef msghdr msg
    cdef ps_io io
    if left[0] > STACK_BYTES:
        room = acquire_scratch()
        room_size = SCRATCH
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
        if room_size == SCRATCH:
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
    if not is_stream(self, "send"):
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
