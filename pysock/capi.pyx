"""The functions that other Cython modules may cimport. capi.pxd documents them.

The package itself does not import this module. A module that cimports it loads it, after the
package.
"""

from . import socket as socket_class

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from ._compiled.core.retry cimport transfer, transfer_whole
from ._compiled.stream.read_buffer cimport is_direct
from ._compiled.core.socket_object cimport socket
from ._compiled.sys.ps_addr cimport ps_addr_family_known
from ._compiled.sys.ps_io cimport ps_io, ps_recv, ps_send
from ._compiled.sys.ps_wait cimport POLLIN, POLLOUT

cdef object pysock_socket = socket_class


cdef inline bint is_plain(socket sock) except -1:
    """`is_direct`, but without attribute look-ups for this package's own class."""
    if sock is None:
        raise TypeError("a socket is needed, not None")
    if type(sock) is pysock_socket:
        return ps_addr_family_known(sock.sock_family)
    return is_direct(sock)


cdef inline void fill_io(ps_io *io, const void *memory, size_t count, int flags) noexcept:
    io.buf = <void *>memory
    io.len = io.likely = count
    io.flags = flags
    io.name = NULL
    io.msg = NULL


cdef ssize_t receive(socket sock, void *memory, size_t count, int flags) except -1:
    cdef int64_t deadline = 0
    cdef ps_io io
    if not is_plain(sock):
        return receive_by_method(sock, memory, count, flags)
    fill_io(&io, memory, count, flags)
    return transfer(sock, ps_recv, &io, POLLIN, &deadline)


cdef ssize_t send(socket sock, const void *memory, size_t count, int flags) except -1:
    cdef int64_t deadline = 0
    cdef ps_io io
    if not is_plain(sock):
        return send_by_method(sock, memory, count, flags)
    fill_io(&io, memory, count, flags)
    return transfer(sock, ps_send, &io, POLLOUT, &deadline)


cdef int receive_all(socket sock, void *memory, size_t count, size_t *left) except -1:
    cdef int64_t deadline = 0
    cdef ps_io io
    cdef ssize_t n
    fill_io(&io, memory, count, 0)
    try:
        if is_plain(sock):
            return count == 0 or transfer_whole(sock, ps_recv, &io, POLLIN, sock.sock_timeout,
                                                &deadline)
        while io.len > 0:
            n = receive_by_method(sock, <char *>memory + (count - io.len), io.len, 0)
            if n == 0:
                return 0
            io.len -= <size_t>n
        return 1
    finally:
        if left != NULL:
            left[0] = io.len


cdef int send_all(socket sock, const void *memory, size_t count, size_t *left) except -1:
    cdef int64_t deadline = 0
    cdef ps_io io
    fill_io(&io, memory, count, 0)
    try:
        if is_plain(sock):
            return count == 0 or transfer_whole(sock, ps_send, &io, POLLOUT, sock.sock_timeout,
                                                &deadline)
        while io.len > 0:
            io.len -= <size_t>send_by_method(sock, <const char *>memory + (count - io.len), io.len,
                                             0)
        return 1
    finally:
        if left != NULL:
            left[0] = io.len


# The methods get a bytes object of their own: they may keep a reference to it, and the caller's
# memory may be freed.


cdef ssize_t receive_by_method(socket sock, void *memory, size_t count, int flags) except -1:
    cdef size_t size
    data = sock.recv(count, flags)
    if not isinstance(data, bytes):
        raise TypeError(f"recv returned {type(data).__name__}, not bytes")
    size = <size_t>PyBytes_GET_SIZE(data)
    if size > count:
        raise OSError(f"recv returned {size} bytes where {count} were asked for")
    memcpy(memory, PyBytes_AS_STRING(data), size)
    return <ssize_t>size


cdef ssize_t send_by_method(socket sock, const void *memory, size_t count, int flags) except -1:
    data = PyBytes_FromStringAndSize(<const char *>memory, <Py_ssize_t>count)
    cdef Py_ssize_t n = sock.send(data, flags)
    if not 0 <= n <= <Py_ssize_t>count:
        raise OSError(f"send returned {n} for {count} bytes")
    return n
