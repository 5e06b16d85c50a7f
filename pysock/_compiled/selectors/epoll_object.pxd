"""`select.epoll` as a C type. Its size is checked on import, as in ../core/socket_object.pxd."""

from ..core.threads cimport dict_get


cdef extern from "_compiled/selectors/epoll_object.h":
    ctypedef class select.epoll [object PysockEpollObject, check_size error]:
        cdef int epfd  # -1 after close()

    const int *epfd_ptr_of "pysock_epfd_ptr"(epoll object) noexcept


cdef inline epoll epoll_of(dict attributes):
    """The `select.epoll`; None if it is closed, or of another class."""
    cdef object found
    if attributes is None:
        return None
    found = dict_get(attributes, "_selector")
    return <epoll>found if type(found) is epoll and (<epoll>found).epfd >= 0 else None
