"""Sending and receiving bytes: send, sendto, recv, recv_into, recvfrom, recvfrom_into.

Each public function is a method: _compiled/socket.py lists it in `socket`. For another family, a flag
that changes the meaning of a length, or an argument of another type, it calls the method of the base
class with the same arguments.

A receive that returns bytes does not allocate *bufsize* bytes for a small message. Up to STACK_BYTES it
receives into a buffer on the C stack. A larger one receives into a spare bytes object, which is kept
from call to call. If little came, it is copied, and the spare is kept. If much came, the spare itself
is cut and returned, and the next call allocates a new one. So recv(262144) of a small message does not
make malloc() map and unmap 256 KiB, and the bytes of a large one are not copied.
"""

from ..._shared import original

cimport cython

from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t


from ..core.buffers cimport acquire_readable, acquire_writable
from ..core.bytes_object cimport STACK_BYTES, bytes_data, bytes_size, cut_bytes, new_bytes
from ..core.retry cimport transfer, transfer_within
from .zerocopy_pending cimport receive_plain_error, sends_by_cookie
from ..core.arguments cimport fits_int
from ..core.sockaddr cimport pack_address, standard_address, unpack_address
from ..core.socket_object cimport audit_address, socket
from ..core.threads cimport is_only_reference, pop_spare, push_spare, shared_pointer, shared_size
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport MSG_TRUNC, ps_io, ps_recv, ps_recvfrom, ps_send, ps_sendto, ps_transfer
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef object base = original.socket

cdef enum:
    MAX_COPIED = 32768   # bytes: up to so many are copied from a spare; it is returned with more
    MAX_SPARE = 1 << 20  # bytes: a larger bytes object is not kept as a spare

# A reference to a bytes object. It is popped while it is in use, so that no two threads use it.
cdef shared_pointer spare = NULL

# How many bytes the last large receive returned. A program that asks for 256 KiB gets either small
# messages (asyncio) or as much as fits (a bulk transfer), and mostly the same again. With this number
# the GIL policy decides whether to release the GIL.
cdef shared_size last_received = 0


cdef bint may_map_memory = True


cdef void keep_memory_mapped() noexcept:
    """Let malloc() take as much as a spare has from the heap.

    glibc maps a block of 128 KiB and more by itself, until one as large has been released
    (`M_MMAP_THRESHOLD` in mallopt(3)). A spare that is cut is released smaller than it was allocated.
    So the next one would be mapped, too, and the kernel would clear each of its pages.
    """
    global may_map_memory
    may_map_memory = False
    PyMem_RawFree(PyMem_RawMalloc(MAX_SPARE))  # the compiler would leave free(malloc()) out


cdef PyObject *acquire_spare(Py_ssize_t size) except NULL:
    """A bytes object of at least *size* bytes to which no other reference exists."""
    cdef PyObject *data = <PyObject *>pop_spare(&spare)
    if may_map_memory:
        keep_memory_mapped()
    if data != NULL:
        if bytes_size(data) >= size:
            return data
        Py_DECREF(<object>data)
    return new_bytes(NULL, size)


cdef void release_spare(PyObject *data) noexcept:
    if bytes_size(data) > MAX_SPARE or not push_spare(&spare, data):
        Py_DECREF(<object>data)


cdef inline ssize_t receive_once(socket sock, ps_transfer operation, ps_io *io) except -1:
    """`transfer`, which also applies notices of zero-copy sends that come from the error queue."""
    cdef int64_t deadline = 0
    if io.flags & MSG_ERRQUEUE and sends_by_cookie:
        return receive_plain_error(sock, io)
    return transfer_within(sock, operation, io, POLLIN, sock.sock_timeout, &deadline)


cdef object receive(socket sock, ps_transfer operation, ps_io *io):
    """Receive up to io.len bytes into a new bytes object."""
    global last_received
    cdef char[STACK_BYTES] stack
    cdef ssize_t n
    cdef PyObject *data
    if io.len <= STACK_BYTES:
        io.buf = stack
        io.likely = io.len
        n = receive_once(sock, operation, io)
        return PyBytes_FromStringAndSize(stack, n)
    data = acquire_spare(<Py_ssize_t>io.len)
    io.buf = bytes_data(data)
    io.likely = min(io.len, last_received)
    try:
        n = receive_once(sock, operation, io)
    except:
        release_spare(data)
        raise
    last_received = <size_t>n
    # Without a GIL, a spare that another thread allocated can be written, but not be resized.
    if n <= MAX_COPIED or not is_only_reference(data):
        try:
            return PyBytes_FromStringAndSize(bytes_data(data), n)
        finally:
            release_spare(data)
    return cut_bytes(&data, <size_t>n)


cdef object receive_into(socket sock, object buffer, Py_ssize_t nbytes, object flags):
    """`socket.recv_into`."""
    cdef Py_buffer view
    cdef ps_io io
    if (not fits_int(flags, &io.flags) or not ps_addr_family_known(sock.sock_family)
            or not acquire_writable(buffer, nbytes, &view, &io)):
        return base.recv_into(sock, buffer, nbytes, flags)
    try:
        if io.len == 0:
            return 0
        io.name = NULL
        return receive_once(sock, ps_recv, &io)
    finally:
        PyBuffer_Release(&view)


cdef object send(socket sock, object data, object flags):
    """`socket.send`."""
    cdef Py_buffer view
    cdef bint acquired
    cdef ps_io io
    cdef int64_t deadline = 0
    if not ps_addr_family_known(sock.sock_family) or not fits_int(flags, &io.flags):
        return base.send(sock, data, flags)
    acquired = acquire_readable(data, &view, &io)
    try:
        return transfer(sock, ps_send, &io, POLLOUT, &deadline)
    finally:
        if acquired:
            PyBuffer_Release(&view)


cdef object receive_bytes(socket sock, Py_ssize_t bufsize):
    """`socket.recv` without flags, for a transport."""
    cdef ps_io io
    if bufsize <= 0 or not ps_addr_family_known(sock.sock_family):
        return base.recv(sock, bufsize)
    io.flags = 0
    io.len = <size_t>bufsize
    io.name = NULL
    return receive(sock, ps_recv, &io)


cdef Py_ssize_t receive_to(socket sock, void *memory, Py_ssize_t size) except -1:
    """`socket.recv_into` without flags, for a transport. The family of the socket is known here."""
    global last_received
    cdef ssize_t n
    cdef ps_io io
    io.flags = 0
    io.len = <size_t>size
    io.buf = memory
    io.likely = min(io.len, last_received)
    io.name = NULL
    n = receive_once(sock, ps_recv, &io)
    last_received = <size_t>n
    return n


cdef object receive_if_ready(socket sock, Py_ssize_t bufsize):
    """`receive_bytes`, and None where the call would block."""
    try:
        return receive_bytes(sock, bufsize)
    except (BlockingIOError, InterruptedError):
        return None


cdef object receive_datagram(socket sock, Py_ssize_t bufsize, ps_sockaddr *name, socklen_t *namelen):
    """`socket.recvfrom` without flags, for a transport: the bytes; None where it would block.

    *name* is set to the sender's address. The family of the socket is known here.
    """
    cdef ps_io io
    cdef object data
    io.flags = 0
    io.len = <size_t>bufsize
    io.name = name
    try:
        data = receive(sock, ps_recvfrom, &io)
    except (BlockingIOError, InterruptedError):
        return None
    namelen[0] = io.namelen
    return data


cdef ssize_t send_datagram(socket sock, object data, object address, ps_sockaddr *name,
                           socklen_t namelen) except -1:
    """`socket.sendto` without flags, for a transport. *name* is *address* as the kernel has it."""
    cdef Py_buffer view
    cdef ps_io io
    cdef int64_t deadline = 0
    cdef bint acquired = acquire_readable(data, &view, &io)
    try:
        audit_address("socket.sendto", sock, address)
        io.flags = 0
        io.name = name
        io.namelen = namelen
        return transfer(sock, ps_sendto, &io, POLLOUT, &deadline)
    finally:
        if acquired:
            PyBuffer_Release(&view)


cdef ssize_t send_bytes(socket sock, object data) except -1:
    """`socket.send` without flags, for a transport."""
    return send(sock, data, 0)


cdef object NOT_GIVEN = object()


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def recv(self, Py_ssize_t bufsize, flags=0, /):
        """recv(bufsize[, flags]) -> bytes

        Receive at most *bufsize* bytes (`recv(2)`). The result is b"" after the peer has shut down its
        writing half. *flags* are MSG_* constants, or'ed together. Raises TimeoutError when the socket's
        timeout is over, BlockingIOError, OSError.
        """
        cdef ps_io io
        if (not fits_int(flags, &io.flags) or bufsize <= 0 or io.flags & MSG_TRUNC
                or not ps_addr_family_known(self.sock_family)):
            return base.recv(self, bufsize, flags)
        io.len = <size_t>bufsize
        io.name = NULL
        return receive(self, ps_recv, &io)

    def recvfrom(self, Py_ssize_t bufsize, flags=0, /):
        """recvfrom(bufsize[, flags]) -> (bytes, address)

        As `recv`, and return the sender's address, too (`recvfrom(2)`).
        """
        cdef ps_io io
        cdef ps_sockaddr name
        if (not fits_int(flags, &io.flags) or bufsize < 0 or io.flags & MSG_TRUNC
                or not ps_addr_family_known(self.sock_family)):
            return base.recvfrom(self, bufsize, flags)
        io.len = <size_t>bufsize
        io.name = &name
        data = receive(self, ps_recvfrom, &io)
        return data, unpack_address(&name, io.namelen)

    def recv_into(self, buffer, Py_ssize_t nbytes=0, flags=0):
        """recv_into(buffer[, nbytes[, flags]]) -> number of bytes

        As `recv`, but into a writable *buffer*: at most *nbytes* bytes, or as many as the buffer has if
        *nbytes* is 0. Raises ValueError if *nbytes* is negative or more than the buffer has.
        """
        return receive_into(self, buffer, nbytes, flags)

    def recvfrom_into(self, buffer, Py_ssize_t nbytes=0, flags=0):
        """recvfrom_into(buffer[, nbytes[, flags]]) -> (number of bytes, address)

        As `recv_into`, and return the sender's address, too (`recvfrom(2)`).
        """
        cdef Py_buffer view
        cdef ps_io io
        cdef ps_sockaddr name
        cdef ssize_t n
        if (not fits_int(flags, &io.flags) or not ps_addr_family_known(self.sock_family)
                or not acquire_writable(buffer, nbytes, &view, &io)):
            return base.recvfrom_into(self, buffer, nbytes, flags)
        try:
            io.name = &name
            n = receive_once(self, ps_recvfrom, &io)
        finally:
            PyBuffer_Release(&view)
        return n, unpack_address(&name, io.namelen)

    def send(self, data, flags=0, /):
        """send(data[, flags]) -> number of bytes sent

        Send *data*, a bytes-like object (`send(2)`). Perhaps not all of it is sent: the result is the
        number of bytes that the kernel has accepted. *flags* are MSG_* constants, or'ed together. Raises
        TimeoutError when the socket's timeout is over, BlockingIOError, OSError.
        """
        return send(self, data, flags)

    def sendto(self, data, flags_or_address, address=NOT_GIVEN, /):
        """sendto(data[, flags], address) -> number of bytes sent

        As `send`, but to *address* (`sendto(2)`). docs/guide/addresses.md has all forms of an address.
        Audit event `socket.sendto`.
        """
        cdef Py_buffer view
        cdef bint acquired
        cdef ps_io io
        cdef ps_sockaddr name
        cdef int64_t deadline = 0
        cdef int length
        if address is NOT_GIVEN:
            peer = flags_or_address
            io.flags = 0
        else:
            peer = address
            if not fits_int(flags_or_address, &io.flags):
                return base.sendto(self, data, flags_or_address, standard_address(self, peer))
        length = pack_address(self.sock_family, peer, &name)
        if length == 0:
            return base.sendto(self, data, io.flags, standard_address(self, peer))
        acquired = acquire_readable(data, &view, &io)
        try:
            audit_address("socket.sendto", self, peer)
            io.name = &name
            io.namelen = <socklen_t>length
            return transfer(self, ps_sendto, &io, POLLOUT, &deadline)
        finally:
            if acquired:
                PyBuffer_Release(&view)
