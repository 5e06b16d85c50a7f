"""Test that the layout in socket_object.h is this interpreter's. This runs when the module loads.

Every module compares the size of the struct (socket_object.pxd), but the size does not show whether
two fields have changed places. So each field is written here, on a socket without a descriptor, and
read by the interpreter's own code. This makes no system call, and raises no audit event.
"""

import _socket

from libc.stdint cimport int64_t


cdef enum:
    # Values that no other field of the object can have.
    FD = 0x1D0000F1
    FAMILY = 0x1D0000F2
    TYPE = 0x1D0000F3
    PROTO = 0x1D0000F4
    SECONDS = 0x1D0000

cdef object base = _socket.socket


cdef bint fields_match(socket sock) except -1:
    sock.sock_fd = FD
    sock.sock_family = FAMILY
    sock.sock_type = TYPE
    sock.sock_proto = PROTO
    sock.sock_timeout = <int64_t>SECONDS * 1_000_000_000
    return (sock.fileno() == FD and base.family.__get__(sock) == FAMILY
            and base.type.__get__(sock) == TYPE and base.proto.__get__(sock) == PROTO
            and sock.gettimeout() == SECONDS)


cdef bint layout_matches() except -1:
    cdef socket sock = base.__new__(base)
    cdef int fd = sock.sock_fd
    cdef int family = sock.sock_family
    cdef int type = sock.sock_type
    cdef int proto = sock.sock_proto
    cdef int64_t timeout = sock.sock_timeout
    try:
        return fields_match(sock)
    finally:
        # Even if these are other fields: the destructor must not close a descriptor.
        sock.sock_fd = fd
        sock.sock_family = family
        sock.sock_type = type
        sock.sock_proto = proto
        sock.sock_timeout = timeout


if not layout_matches():
    raise ImportError("the fields of _socket.socket are not where this build expects them")
