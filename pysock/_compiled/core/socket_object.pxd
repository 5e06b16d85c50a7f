"""The interpreter's own socket type, as a C type. It is the type of `self` of every socket method.

`check_size error` compares sizeof(PysockSocketObject) with the type's size when a module loads. If they
differ, the interpreter is not the one that this build was made for. Cython then raises ValueError, and
_backend.py uses the fallback and warns once.
"""

from libc.stdint cimport int64_t


cdef extern from "_compiled/core/socket_object.h":
    ctypedef class _socket.socket [object PysockSocketObject, check_size error]:
        cdef int sock_fd           # -1 after close()
        cdef int sock_family
        cdef int sock_type         # without SOCK_NONBLOCK and SOCK_CLOEXEC
        cdef int sock_proto
        cdef int64_t sock_timeout  # nanoseconds; negative: blocking, 0: non-blocking

    const int *fd_ptr_of "pysock_fd_ptr"(socket sock) noexcept
    int detach_fd "pysock_detach_fd"(socket sock) noexcept
    void *module_state "pysock_module_state"(socket sock)
    void set_module_state "pysock_set_module_state"(socket sock, void *state)
    int audit_address "pysock_audit_address"(const char *event, object sock, object address) except -1
    int audit_new "pysock_audit_new"(object sock, int family, int type, int proto) except -1
    int audit_gethostbyname "pysock_audit_gethostbyname"(object host) except -1
    int audit_getaddrinfo "pysock_audit_getaddrinfo"(object host, object port, int family, int type,
                                                     int proto) except -1
