from libc.stdint cimport int64_t

cdef extern from "ps_wait.h" nogil:
    int64_t ps_clock()
    int ps_wait(int fd, short events, int64_t deadline)

    enum: POLLIN
    enum: POLLOUT
