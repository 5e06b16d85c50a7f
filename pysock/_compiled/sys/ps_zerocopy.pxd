from libc.stdint cimport uint32_t, uint64_t

from .ps_io cimport msghdr, ps_io

cdef extern from "ps_zerocopy.h" nogil:
    enum: MSG_ZEROCOPY

    ctypedef struct ps_zerocopy:
        bint lost

    int ps_zerocopy_cookie(int fd, uint64_t *cookie)
    bint ps_zerocopy_is_on(int fd)
    bint ps_zerocopy_init(ps_zerocopy *counter, int fd, uint64_t cookie)
    void ps_zerocopy_free(ps_zerocopy *counter)
    void ps_zerocopy_forsake(ps_zerocopy *counter)

    ctypedef struct ps_range:
        uint32_t first
        uint32_t last

    uint32_t ps_range_overlap(ps_range a, ps_range b)

    ctypedef struct ps_zerocopy_send:
        ps_io io
        const int *fd_ptr
        ps_zerocopy *counter
        bint is_stream
        bint copies
        bint no_memory
        bint numbered
        ps_range numbers

    ssize_t ps_send_zerocopy(int fd, ps_io *io, int flags) noexcept

    ctypedef struct ps_notice:
        ps_range numbers
        bint copied

    bint ps_notice_parse(const msghdr *msg, ps_notice *notice)
    bint ps_zerocopy_issued(ps_zerocopy *counter, ps_range numbers)
