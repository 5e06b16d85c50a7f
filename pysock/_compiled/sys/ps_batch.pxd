from .ps_addr cimport ps_sockaddr, socklen_t
from .ps_io cimport msghdr, ps_io

cdef extern from "ps_batch.h" nogil:
    enum: PS_BATCH
    enum: PS_LINE
    enum: PS_SEGMENTS
    enum: PS_MAX_UDP
    enum: PS_BATCH_SEND_FLAGS
    enum: MSG_DONTWAIT
    enum: MSG_PEEK

    ctypedef struct ps_mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len

    ctypedef struct ps_inbox:
        size_t slots
        size_t room
        size_t wanted
        size_t came
        size_t bytes
        size_t told
        int family
        ps_mmsghdr *headers
        ps_sockaddr *names

    int ps_inbox_init(ps_inbox *inbox, size_t slots)
    void ps_inbox_free(ps_inbox *inbox)
    char *ps_aligned(char *memory) noexcept
    int ps_inbox_lay(ps_inbox *inbox, void *arena, size_t size, size_t room)
    int ps_inbox_place(ps_inbox *inbox, size_t i, void *memory, size_t size)
    ssize_t ps_recv_batch(int fd, ps_io *io, int flags) noexcept

    ctypedef struct ps_arrival:
        char *data
        size_t len
        size_t segment
        size_t datagrams
        bint truncated
        bint control_truncated
        const ps_sockaddr *name
        socklen_t namelen

    int ps_inbox_arrival(const ps_inbox *inbox, size_t i, ps_arrival *arrival)

    ctypedef struct ps_piece:
        const char *data
        size_t len
        size_t segment
        const ps_sockaddr *name
        socklen_t namelen

    ctypedef struct ps_position:
        size_t piece

    ctypedef struct ps_outbox:
        ps_position at
        size_t segments
        size_t sent
        size_t bytes
        bint one_by_one
        bint refused
        int error

    void ps_outbox_init(ps_outbox *outbox, const int *fd_ptr, const ps_piece *pieces, size_t count,
                        size_t segments)
    ssize_t ps_send_batch(int fd, ps_io *io, int flags) noexcept
