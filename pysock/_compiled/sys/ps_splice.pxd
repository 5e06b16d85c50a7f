from libc.stdint cimport int64_t

cdef extern from "ps_splice.h" nogil:
    enum: PS_SPLICE_ROOM
    enum: PS_SPLICE_SOURCE
    enum: PS_SPLICE_TARGET

    ctypedef struct ps_end:
        int ready

    ctypedef struct ps_splice:
        ps_end source
        ps_end target
        int64_t left
        int64_t moved
        int waits_for

    int ps_splice_init(ps_splice *s, const int *source_ptr, const int *target_ptr, int64_t count,
                       int timed, char *memory)
    ssize_t ps_splice_steps(ps_splice *s, int64_t until, int once) noexcept
    size_t ps_splice_inside(const ps_splice *s)
    int ps_splice_drain(ps_splice *s, char *to)
    void ps_splice_close(ps_splice *s)
    void ps_splice_pause()
