from libc.stdint cimport uint32_t

cdef extern from "ps_epoll.h" nogil:
    enum: EPOLLIN
    enum: EPOLLOUT
    enum: EPOLLONESHOT
    enum: EPOLL_CTL_ADD
    enum: EPOLL_CTL_DEL
    enum: EPOLL_CTL_MOD

    ctypedef union ps_event_data "epoll_data_t":
        int fd

    ctypedef struct ps_event:
        uint32_t events
        ps_event_data data

    int ps_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint32_t tag)
    uint32_t ps_event_tag(const ps_event *event)
    int ps_epoll_wait(int epoll, ps_event *events, int most, int timeout_ms)
