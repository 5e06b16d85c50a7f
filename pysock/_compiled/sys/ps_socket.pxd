from .ps_addr cimport ps_sockaddr, socklen_t
from .ps_io cimport ps_io

cdef extern from "ps_socket.h" nogil:
    int ps_socket(int family, int type, int proto)
    ssize_t ps_accept(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_accept_nonblocking(int fd, ps_io *io, int flags) noexcept
    int ps_socketpair(int family, int type, int proto, int *fds)
    int ps_bind(int fd, const ps_sockaddr *addr, socklen_t len)
    int ps_connect(int fd, const ps_sockaddr *addr, socklen_t len)
    int ps_listen(int fd, int backlog)
    int ps_shutdown(int fd, int how)
    int ps_close(int fd)
    int ps_getsockname(int fd, ps_sockaddr *addr, socklen_t *len)
    int ps_getpeername(int fd, ps_sockaddr *addr, socklen_t *len)
    int ps_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
    int ps_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
    int ps_set_blocking(int fd, int blocking)
    int ps_pending_error(int fd)

    ctypedef struct ps_peer:
        int pid
        unsigned int uid
        unsigned int gid

    int ps_peercred(int fd, ps_peer *peer)

    enum: IPPROTO_TCP
    enum: TCP_NODELAY
    enum: IPPROTO_UDP
    enum: SOL_SOCKET
    enum: SOL_UDP
    enum: SO_RCVLOWAT
    enum: UDP_GRO

    enum: SOCK_STREAM
    enum: SOCK_DGRAM
    enum: SOCK_SEQPACKET
    enum: SOCK_CLOEXEC
    enum: SOCK_NONBLOCK
