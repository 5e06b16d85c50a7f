"""`select.epoll` as a C type. Its size is checked on import, as in ../core/socket_object.pxd."""


cdef extern from "_compiled/selectors/epoll_object.h":
    ctypedef class select.epoll [object PysockEpollObject, check_size error]:
        cdef int epfd  # -1 after close()

    const int *epfd_ptr_of "pysock_epfd_ptr"(epoll object) noexcept
