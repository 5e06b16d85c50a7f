from .ps_io cimport msghdr

cdef extern from "ps_cmsg.h" nogil:
    struct cmsghdr:
        pass

    ctypedef struct ps_cmsg:
        int level
        int type
        const void *data
        size_t len

    size_t ps_cmsg_space(size_t len)
    size_t ps_cmsg_len(size_t len)
    int ps_cmsg_put(void *control, size_t size, size_t *used, const ps_cmsg *item)
    bint ps_cmsg_next(const msghdr *msg, cmsghdr **cursor, ps_cmsg *item, int *truncated)
    void ps_cmsg_close_rights(const msghdr *msg)
