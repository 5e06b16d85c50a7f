"""Bytes out, bytes in: send, sendto, recv, recv_into, recvfrom, recvfrom_into.

Each public function is a method: _accelerated.py lists it in `socket`. What a method does not know
completely (another family, a flag that changes what a length means, an odd argument) goes to the
base class's method with the same arguments.

A receive into a new bytes object never allocates what was asked for when little came. Small requests
go through the C stack. Larger ones go into a spare bytes object, kept from call to call: a little
is copied out of it, and when much came the spare itself is handed over and another one made. So
neither side pays twice, and recv(262144) of one small message does not map and unmap 256 KiB.
"""

from ..._shared import original

from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t

from ..._shared.address import standard_address

from ..core.buffers cimport acquire_readable, acquire_writable
from ..core.bytes_object cimport STACK_BYTES, bytes_data, bytes_size, cut_bytes, new_bytes
from ..core.retry cimport transfer, transfer_within
from .zerocopy_pending cimport counted, receive_plain_error
from ..core.arguments cimport as_int, int_of
from ..core.sockaddr cimport pack_address, unpack_address
from ..core.socket_object cimport audit_address, socket
from ..core.threads cimport is_only_reference, pop_spare, push_spare, shared_pointer, shared_size
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport MSG_TRUNC, ps_io, ps_recv, ps_recvfrom, ps_send, ps_sendto, ps_transfer
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef object base = original.socket

cdef enum:
    COPIED_MOST = 32768      # of a spare, at most so much is copied; more is handed over
    SPARE_MOST = 1 << 20     # larger requests leave no spare behind

cdef shared_pointer spare = NULL  # owned; taken while in use, so that no two threads share it

# What the last large request brought. Who asks for 256 KiB mostly gets a message of some bytes
# (asyncio) or as much as fits (a bulk transfer), and the next one will be like it: that decides
# whether the GIL is worth releasing.
cdef shared_size came_last = 0


cdef PyObject *acquire_spare(Py_ssize_t size) except NULL:
    """A bytes object of at least *size* bytes that nobody else has."""
    cdef PyObject *room = <PyObject *>pop_spare(&spare)
    if room != NULL:
        if bytes_size(room) >= size:
            return room
        Py_DECREF(<object>room)
    return new_bytes(NULL, size)


cdef void release_spare(PyObject *room) noexcept:
    if bytes_size(room) > SPARE_MOST or not push_spare(&spare, room):
        Py_DECREF(<object>room)


cdef inline ssize_t receive_once(socket sock, ps_transfer operation, ps_io *io) except -1:
    """`transfer`. Of the error queue, what is about a zero-copy send of this process is noted."""
    cdef int64_t deadline = 0
    if io.flags & MSG_ERRQUEUE and counted:
        return receive_plain_error(sock, io)
    return transfer_within(sock, operation, io, POLLIN, sock.sock_timeout, &deadline)


cdef object receive(socket sock, ps_transfer operation, ps_io *io):
    """Receive up to io.len bytes into a new bytes object."""
    global came_last
    cdef char[STACK_BYTES] stack
    cdef ssize_t n
    cdef PyObject *room
    if io.len <= STACK_BYTES:
        io.buf = stack
        io.likely = io.len
        n = receive_once(sock, operation, io)
        return PyBytes_FromStringAndSize(stack, n)
    room = acquire_spare(<Py_ssize_t>io.len)
    io.buf = bytes_data(room)
    io.likely = min(io.len, came_last)
    try:
        n = receive_once(sock, operation, io)
    except:
        release_spare(room)
        raise
    came_last = <size_t>n
    # A spare that another thread made can be used, but not be cut and handed over.
    if n <= COPIED_MOST or not is_only_reference(room):
        try:
            return PyBytes_FromStringAndSize(bytes_data(room), n)
        finally:
            release_spare(room)
    return cut_bytes(&room, <size_t>n)


def recv(socket self not None, Py_ssize_t bufsize, Py_ssize_t flags=0, /):
    """recv(bufsize[, flags]) -> bytes

    Receive at most *bufsize* bytes (`recv(2)`); b"" when the peer has shut down its writing half.
    *flags* are MSG_* constants, or'ed together. Raises TimeoutError when the socket's timeout is
    over, BlockingIOError, OSError.
    """
    cdef ps_io io
    io.flags = int_of(flags)
    if (bufsize <= 0 or io.flags & MSG_TRUNC
            or not ps_addr_family_known(self.sock_family)):
        return base.recv(self, bufsize, flags)
    io.len = <size_t>bufsize
    io.name = NULL
    return receive(self, ps_recv, &io)


def recvfrom(socket self not None, Py_ssize_t bufsize, Py_ssize_t flags=0, /):
    """recvfrom(bufsize[, flags]) -> (bytes, address)

    As `recv`, with the sender's address (`recvfrom(2)`).
    """
    cdef ps_io io
    cdef ps_sockaddr name
    io.flags = int_of(flags)
    if (bufsize < 0 or io.flags & MSG_TRUNC
            or not ps_addr_family_known(self.sock_family)):
        return base.recvfrom(self, bufsize, flags)
    io.len = <size_t>bufsize
    io.name = &name
    data = receive(self, ps_recvfrom, &io)
    return data, unpack_address(&name, io.namelen)


def recv_into(socket self not None, buffer, Py_ssize_t nbytes=0, Py_ssize_t flags=0):
    """recv_into(buffer[, nbytes[, flags]]) -> number of bytes

    As `recv`, into a writable *buffer*: at most *nbytes* bytes, or as many as it holds if that is 0.
    Raises ValueError if *nbytes* is negative or more than the buffer holds.
    """
    cdef Py_buffer view
    cdef ps_io io
    io.flags = int_of(flags)
    if (not ps_addr_family_known(self.sock_family)
            or not acquire_writable(buffer, nbytes, &view, &io)):
        return base.recv_into(self, buffer, nbytes, flags)
    try:
        if io.len == 0:
            return 0
        io.name = NULL
        return receive_once(self, ps_recv, &io)
    finally:
        PyBuffer_Release(&view)


def recvfrom_into(socket self not None, buffer, Py_ssize_t nbytes=0, Py_ssize_t flags=0):
    """recvfrom_into(buffer[, nbytes[, flags]]) -> (number of bytes, address)

    As `recv_into`, with the sender's address.
    """
    cdef Py_buffer view
    cdef ps_io io
    cdef ps_sockaddr name
    cdef ssize_t n
    io.flags = int_of(flags)
    if (not ps_addr_family_known(self.sock_family)
            or not acquire_writable(buffer, nbytes, &view, &io)):
        return base.recvfrom_into(self, buffer, nbytes, flags)
    try:
        io.name = &name
        n = receive_once(self, ps_recvfrom, &io)
    finally:
        PyBuffer_Release(&view)
    return n, unpack_address(&name, io.namelen)


def send(socket self not None, data, Py_ssize_t flags=0, /):
    """send(data[, flags]) -> number of bytes sent

    Send bytes (`send(2)`), perhaps not all of them: the number says how many the kernel took. *flags*
    are MSG_* constants, or'ed together. Raises TimeoutError when the socket's timeout is over,
    BlockingIOError, OSError.
    """
    cdef Py_buffer view
    cdef bint held
    cdef ps_io io
    cdef int64_t deadline = 0
    if not ps_addr_family_known(self.sock_family):
        return base.send(self, data, flags)
    io.flags = int_of(flags)
    held = acquire_readable(data, &view, &io)
    try:
        return transfer(self, ps_send, &io, POLLOUT, &deadline)
    finally:
        if held:
            PyBuffer_Release(&view)


cdef object NOT_GIVEN = object()


def sendto(socket self not None, data=NOT_GIVEN, flags_or_address=NOT_GIVEN, address=NOT_GIVEN,
           /, *more):
    """sendto(data[, flags], address) -> number of bytes sent

    As `send`, to *address* (`sendto(2)`). All forms of an address: docs/guide/addresses.md. Audit
    event `socket.sendto`.
    """
    cdef Py_buffer view
    cdef bint held
    cdef ps_io io
    cdef ps_sockaddr name
    cdef int64_t deadline = 0
    cdef int length
    if flags_or_address is NOT_GIVEN or more:
        given = [value for value in (data, flags_or_address, address) if value is not NOT_GIVEN]
        return base.sendto(self, *given, *more)  # which says what is wrong with them
    if address is NOT_GIVEN:
        peer = flags_or_address
        io.flags = 0
    else:
        peer = address
        io.flags = as_int(flags_or_address)
    length = pack_address(self.sock_family, peer, &name)
    if length == 0:
        return base.sendto(self, data, io.flags, standard_address(self, peer))
    held = acquire_readable(data, &view, &io)
    try:
        audit_address("socket.sendto", self, peer)
        io.name = &name
        io.namelen = <socklen_t>length
        return transfer(self, ps_sendto, &io, POLLOUT, &deadline)
    finally:
        if held:
            PyBuffer_Release(&view)
