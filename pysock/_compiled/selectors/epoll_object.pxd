"""`select.epoll`, as a C type. Its size is compared when the module loads, as _sockobject.pxd's is."""


cdef extern from "_compiled/selectors/epoll_object.h":
    ctypedef class select.epoll [object PysockEpollObject, check_size error]:
        cdef int epfd  # -1 once closed

    const int *epfd_place "pysock_epfd_place"(epoll object) noexcept
