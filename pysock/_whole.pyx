"""Whole transfers: all that was asked for, or an exception that says how far it came.

recv_exactly, recv_exactly_into, sendall, sendmsg_all. Each is a method: _accelerated.py lists it in
`socket`. What a method does not know completely goes, before anything has moved, to the loops over
the standard library: another family, a class whose own `recv` or `send` does more (TLS, for one).
"""

import sys

from . import _fallback_whole as loops
from ._exceptions import IncompleteReadError

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t
from libc.string cimport memset

from ._buffers cimport IOV_MOST, Buffers, acquire_readable, acquire_writable
from ._call cimport transfer_whole
from ._deadline cimport NOT_GIVEN, Patience, patience_of
from ._plain cimport int_of
from ._sockobject cimport audit_address, socket
from .ps_addr cimport ps_addr_family_known
from .ps_io cimport MSG_MORE, msghdr, ps_io, ps_recv, ps_send, ps_sendmsg
from .ps_socket cimport SOCK_STREAM
from .ps_wait cimport POLLIN, POLLOUT


cdef extern from "Python.h":
    # The functions' raw forms: the reference below is counted by hand.
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    char *bytes_data "PyBytes_AS_STRING"(PyObject *data)
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1


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


cdef int note(str name, object value) except -1:
    """Put *value* on the exception that passes; one that refuses attributes passes as it is."""
    try:
        setattr(exc_info()[1], name, value)
    except Exception:
        pass
    return 0


# Receiving


cdef object take(PyObject **data, size_t size):
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
    cdef Patience patience
    cdef int done = -1
    if n < 0:
        raise ValueError("negative buffersize in recv_exactly")
    if not is_known(self, "recv"):
        return loops.recv_exactly(self, n, timeout=timeout, deadline=deadline)
    patience = patience_of(self, timeout, deadline)
    if n == 0:
        return b""
    io.len = io.likely = <size_t>n
    io.name = NULL
    io.msg = NULL
    io.flags = 0
    try:
        data = new_bytes(NULL, n)
        io.buf = bytes_data(data)
        done = transfer_whole(self, ps_recv, &io, POLLIN, patience.timeout, &patience.deadline)
    finally:
        if done < 0:
            note("partial", take(&data, <size_t>n - io.len) if data != NULL else b"")
    received = take(&data, <size_t>n - io.len)
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
    cdef Patience patience
    cdef int done = 0
    if not is_known(self, "recv_into"):
        return loops.recv_exactly_into(self, buffer, timeout=timeout, deadline=deadline)
    patience = patience_of(self, timeout, deadline)
    if not acquire_writable(buffer, 0, &view, &io):
        raise loops.not_writable(buffer)
    io.flags = 0
    try:
        if io.len > 0 and not transfer_whole(self, ps_recv, &io, POLLIN, patience.timeout,
                                             &patience.deadline):
            partial = PyBytes_FromStringAndSize(<char *>view.buf, view.len - <Py_ssize_t>io.len)
            raise IncompleteReadError(partial, view.len)
        done = 1
        return view.len
    finally:
        if not done:
            note("bytes_received", view.len - <Py_ssize_t>io.len)
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
        return loops.sendall(self, data, flags)
    io.flags = int_of(flags)
    held = acquire_readable(data, &view, &io)
    size = io.len
    try:
        done = transfer_whole(self, ps_send, &io, POLLOUT, self.sock_timeout, &deadline)
    finally:
        if held:
            PyBuffer_Release(&view)
        if not done:
            note("bytes_sent", size - io.len)


cdef int send_windows(socket sock, Buffers data, size_t *left, Patience *patience) except -1:
    """Send *data*, as many buffers at once as the kernel takes; *left* is what was not sent."""
    cdef msghdr msg
    cdef ps_io io
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t end, i
    cdef size_t size
    memset(&msg, 0, sizeof(msg))
    io.msg = &msg
    while left[0] > 0:
        end = min(at + IOV_MOST, data.count)
        size = 0
        for i in range(at, end):
            size += data.iov[i].iov_len
        msg.msg_iov = &data.iov[at]
        msg.msg_iovlen = <size_t>(end - at)
        io.len = io.likely = size
        io.flags = MSG_MORE if size < left[0] else 0  # as if all were one
        at = end
        if size == 0:
            continue
        PyErr_CheckSignals()
        try:
            transfer_whole(sock, ps_sendmsg, &io, POLLOUT, patience.timeout, &patience.deadline)
        finally:
            left[0] -= size - io.len
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
    cdef Patience patience
    cdef Buffers data
    cdef size_t left
    cdef int done = 0
    if not is_known(self, "send"):
        return loops.sendmsg_all(self, buffers, timeout=timeout, deadline=deadline)
    patience = patience_of(self, timeout, deadline)
    data = Buffers.__new__(Buffers)
    data.acquire(tuple(buffers), PyBUF_SIMPLE)
    audit_address("socket.sendmsg", self, None)
    left = data.total
    try:
        send_windows(self, data, &left, &patience)
        done = 1
    finally:
        if not done:
            note("bytes_sent", data.total - left)
