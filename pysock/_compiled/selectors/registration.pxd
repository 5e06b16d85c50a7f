"""A registration for one event. The reasons are in registration.pyx."""

from libc.stdint cimport uint32_t

cdef object NOT_REGISTERED

cdef object registered_key(object selector, object fd)
cdef uint32_t register_once(object selector, object fd, int mask, object data) except? 0
cdef bint register_again(object selector, object fd, int mask, uint32_t tag) except -1
cdef bint unregister_fired(object selector, object fd, uint32_t tag) except -1
