"""What an event loop needs of `select`. The reasons are in epoll.pyx."""

cdef object select_now(object selector, bint will_wait)
