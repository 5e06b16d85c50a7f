from .ps_addr cimport ps_sockaddr, socklen_t
from .ps_io cimport msghdr

cdef extern from "ps_errqueue.h" nogil:
    enum: PS_ERROR_CONTROL
    enum: MSG_ERRQUEUE

    ctypedef union ps_error_control:
        char bytes[PS_ERROR_CONTROL]

    ctypedef struct ps_error:
        msghdr msg
        ps_sockaddr name
        ps_error_control control
        char *data

    ctypedef struct ps_message:
        const void *data
        size_t len
        const void *control
        size_t controllen
        const ps_sockaddr *name
        socklen_t namelen
        int flags

    ssize_t ps_error_take(int fd, ps_error *error)
    void ps_message_control(msghdr *msg, const void *control, size_t len)
    ssize_t ps_message_give(const ps_message *message, msghdr *msg)
