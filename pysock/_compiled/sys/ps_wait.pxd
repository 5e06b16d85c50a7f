from libc.stdint cimport int64_t

cdef extern from "ps_wait.h" nogil:
    int64_t ps_clock()
    int64_t ps_yield_until(int64_t deadline)
    int64_t ps_cpu_clock()
    int ps_wait(int fd, short events, int64_t deadline)
    int ps_wait_room(int fd)
    int ps_watch_open(int fd, short events)
    int ps_watch_wait(int watch, int64_t deadline)
    void ps_watch_close(int watch)

    enum: POLLIN
    enum: POLLOUT
