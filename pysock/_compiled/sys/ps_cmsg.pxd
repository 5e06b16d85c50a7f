from .ps_io cimport msghdr

cdef extern from "ps_cmsg.h" nogil:
    struct cmsghdr:
        pass

    ctypedef struct ps_cmsg:
        int level
        int type
        const void *data
        size_t len

    ctypedef union ps_rights_room:
        pass

    size_t ps_cmsg_space(size_t len)
    size_t ps_cmsg_len(size_t len)
    int ps_cmsg_put(void *control, size_t size, size_t *used, const ps_cmsg *item)
    bint ps_cmsg_next(const msghdr *msg, cmsghdr **cursor, ps_cmsg *item, int *truncated)
    size_t ps_cmsg_take_rights(const msghdr *msg, int *fds, size_t most)
    void ps_cmsg_close_rights(const msghdr *msg)

    enum: PS_MAX_RIGHTS
    enum: PS_RIGHTS_BESIDE
    enum: SCM_RIGHTS
