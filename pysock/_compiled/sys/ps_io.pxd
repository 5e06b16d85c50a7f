from libc.stdint cimport int64_t

from .ps_addr cimport ps_sockaddr, socklen_t

cdef extern from "ps_io.h" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len

    struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags

    ctypedef struct ps_io:
        void *buf
        size_t len
        size_t likely
        ps_sockaddr *name
        socklen_t namelen
        msghdr *msg
        int flags
        int file
        int64_t file_offset

    ctypedef ssize_t (*ps_transfer)(int fd, ps_io *io, int flags) noexcept nogil

    ssize_t ps_recv(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_recvfrom(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_recvmsg(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_send(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_sendto(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_sendmsg(int fd, ps_io *io, int flags) noexcept
    ssize_t ps_sendfile(int fd, ps_io *io, int flags) noexcept
    void ps_io_advance(ps_io *io, size_t n) noexcept
    size_t ps_gather(ps_io *io, msghdr *msg, iovec *iov, size_t count, char *room,
                     size_t room_size) noexcept

    enum: PS_MAX_IOV
    enum: PS_MAX_COPIED
    enum: PS_TRYABLE_FLAGS
    enum: PS_NO_DONTWAIT
    enum: MSG_DONTWAIT
    enum: MSG_MORE
    enum: MSG_WAITALL
    enum: MSG_TRUNC
    enum: MSG_CTRUNC
    enum: MSG_CMSG_CLOEXEC
