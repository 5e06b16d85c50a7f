"""Is the layout in _sockobject.h this interpreter's? Tried when the module loads.

The size alone, which every module compares (_sockobject.pxd), does not show two fields that changed
places. Each field is written on a socket that has no descriptor, and read by the interpreter's own
code. No system call is made, and no audit event is owed.
"""

import _socket

from libc.stdint cimport int64_t


cdef enum:
    # Numbers that nothing else in the object can be.
    FD = 0x1D0000F1
    FAMILY = 0x1D0000F2
    TYPE = 0x1D0000F3
    PROTO = 0x1D0000F4
    SECONDS = 0x1D0000

cdef object raw = _socket.socket


cdef bint is_read_as_written(socket sock) except -1:
    sock.sock_fd = FD
    sock.sock_family = FAMILY
    sock.sock_type = TYPE
    sock.sock_proto = PROTO
    sock.sock_timeout = <int64_t>SECONDS * 1_000_000_000
    return (sock.fileno() == FD and raw.family.__get__(sock) == FAMILY
            and raw.type.__get__(sock) == TYPE and raw.proto.__get__(sock) == PROTO
            and sock.gettimeout() == SECONDS)


cdef bint layout_is_right() except -1:
    cdef socket sock = raw.__new__(raw)
    cdef int fd = sock.sock_fd
    cdef int family = sock.sock_family
    cdef int type = sock.sock_type
    cdef int proto = sock.sock_proto
    cdef int64_t timeout = sock.sock_timeout
    try:
        return is_read_as_written(sock)
    finally:
        # Whatever they are: the object ends as it was, and owns no descriptor.
        sock.sock_fd = fd
        sock.sock_family = family
        sock.sock_type = type
        sock.sock_proto = proto
        sock.sock_timeout = timeout


if not layout_is_right():
    raise ImportError("the fields of _socket.socket are not where this build expects them")
