"""sendall, sendmsg_all: send all bytes, or raise an exception that says how many were sent.

Each public function is a method: _compiled/socket.py lists it in `socket`. A socket that is not a
stream of a known family, or whose class overrides `send` (TLS), is handled by the loops of
_shared/loops/, before any byte is sent.
"""

import sys

from ..._shared import loops

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.exc cimport PyErr_CheckSignals
from cpython.list cimport PyList_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from ..core.arguments cimport fits_int
from ..core.buffers cimport Buffers, acquire_readable
from ..core.bytes_object cimport STACK_BYTES, bytes_data, bytes_size, is_bytes
from ..core.deadline cimport Deadline, deadline_of
from ..core.progress cimport set_progress
from ..core.retry cimport transfer_whole
from ..core.socket_class cimport is_stream
from ..core.socket_object cimport audit_address, socket
from ..core.threads cimport HAS_GIL, pop_spare, push_spare, shared_pointer
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport MSG_MORE, PS_MAX_COPIED, msghdr, ps_gather, ps_io, ps_send, ps_sendmsg
from ..sys.ps_wait cimport POLLOUT


cdef extern from "Python.h":
    # Borrowed references, declared as raw pointers so that no reference is counted.
    PyObject **sequence_items "PySequence_Fast_ITEMS"(object o)
    Py_ssize_t sequence_size "PySequence_Fast_GET_SIZE"(object o)


cdef enum:
    SCRATCH_SIZE = 1 << 18  # bytes: small buffers are copied here, and sent together

# Popped while it is in use, so that no two threads use the same scratch memory.
cdef shared_pointer spare_scratch = NULL

cdef object exc_info = sys.exc_info


cdef char *acquire_scratch() except NULL:
    """Scratch memory of SCRATCH_SIZE bytes that no other call uses."""
    cdef char *scratch = <char *>pop_spare(&spare_scratch)
    if scratch == NULL:
        scratch = <char *>PyMem_RawMalloc(SCRATCH_SIZE)
    if scratch == NULL:
        raise MemoryError()
    return scratch


cdef void release_scratch(char *scratch) noexcept:
    if not push_spare(&spare_scratch, scratch):
        PyMem_RawFree(scratch)


cdef size_t size_if_small(object buffers) noexcept:
    """The total size of *buffers* if they may be copied to be sent together, else 0.

    They must be in a list or a tuple, be exactly bytes, be small, and fit into SCRATCH_SIZE.
    """
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
        if size > PS_MAX_COPIED or total > SCRATCH_SIZE:
            return 0
    return total


cdef int send_small(socket sock, object buffers, size_t *left, Deadline *until) except -1:
    """Copy *buffers* and send them. *left* is their size, and then how many bytes were not sent.

    `size_if_small` must have been called just before. No Python code runs before all is copied, so a
    list cannot change. (Without a GIL, where another thread could change it, *buffers* is a tuple.)
    """
    cdef char[STACK_BYTES] stack
    cdef char *scratch = acquire_scratch() if left[0] > STACK_BYTES else &stack[0]
    cdef PyObject **items = sequence_items(buffers)
    cdef size_t offset = 0
    cdef Py_ssize_t i
    cdef ps_io io
    for i in range(sequence_size(buffers)):
        memcpy(scratch + offset, bytes_data(items[i]), <size_t>bytes_size(items[i]))
        offset += <size_t>bytes_size(items[i])
    io.buf = scratch
    io.len = io.likely = offset
    io.name = NULL
    io.msg = NULL
    io.flags = 0
    try:
        transfer_whole(sock, ps_send, &io, POLLOUT, until.timeout, &until.at)
    finally:
        left[0] = io.len
        if offset > STACK_BYTES:
            release_scratch(scratch)
    return 0


cdef int send_gathered(socket sock, Buffers data, size_t *left, Deadline *until) except -1:
    """Send *data* by as few system calls as possible; *left* is how many bytes are not sent.

    ps_gather copies small buffers into the scratch memory, which is faster than an iovec for each.
    """
    cdef char[STACK_BYTES] stack
    cdef char *scratch = &stack[0]
    cdef size_t scratch_size = STACK_BYTES
    cdef Py_ssize_t index = 0
    cdef size_t size
    cdef msghdr msg
    cdef ps_io io
    if left[0] > STACK_BYTES:
        scratch = acquire_scratch()
        scratch_size = SCRATCH_SIZE
    try:
        while left[0] > 0:
            index += <Py_ssize_t>ps_gather(&io, &msg, &data.iov[index],
                                           <size_t>(data.count - index), scratch, scratch_size)
            size = io.len
            # With MSG_MORE the kernel sends full packets, as if all buffers were sent by one call.
            io.flags = MSG_MORE if size < left[0] else 0
            PyErr_CheckSignals()
            try:
                transfer_whole(sock, ps_send if io.msg == NULL else ps_sendmsg, &io, POLLOUT,
                               until.timeout, &until.at)
            finally:
                left[0] -= size - io.len
    finally:
        if scratch_size == SCRATCH_SIZE:
            release_scratch(scratch)
    return 0


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def sendall(self, data, flags=0, /):
        """sendall(data[, flags])

        Send all of *data*, a bytes-like object. *flags* are MSG_* constants, or'ed together. The socket's
        timeout is for the whole call. Every exception has `bytes_sent`, the number of bytes of *data* that
        the kernel has accepted. Raises what `send` raises.
        """
        cdef Py_buffer view
        cdef bint acquired
        cdef ps_io io
        cdef size_t size
        cdef int64_t deadline = 0
        cdef int done = 0
        if not ps_addr_family_known(self.sock_family) or not fits_int(flags, &io.flags):
            return loops.transfer.sendall(self, data, flags)
        acquired = acquire_readable(data, &view, &io)
        size = io.len
        try:
            done = transfer_whole(self, ps_send, &io, POLLOUT, self.sock_timeout, &deadline)
        finally:
            if acquired:
                PyBuffer_Release(&view)
            if not done:
                set_progress(exc_info()[1], "bytes_sent", size - io.len)

    def sendmsg_all(self, buffers, /, *, timeout=..., deadline=None):
        """sendmsg_all(buffers, *, timeout=..., deadline=None)

        Send all bytes of many buffers, as if they were one (`sendmsg(2)`). *buffers* is an iterable of
        bytes-like objects. *timeout*, in seconds (None: no limit), or *deadline*, a `time.monotonic()`, is
        for the whole call. Without either of them the socket's timeout is for the whole call.

        Every exception has `bytes_sent`, the number of bytes of all buffers together that the kernel has
        accepted. Raises TimeoutError, BlockingIOError, OSError (EOPNOTSUPP where the socket is not a
        stream). Audit event `socket.sendmsg`, once.
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
            buffers = tuple(buffers)  # another thread could change the list
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
