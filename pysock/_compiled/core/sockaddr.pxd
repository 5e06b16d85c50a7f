"""Conversion of addresses from and to struct sockaddr. The reasons are in sockaddr.pyx."""

from ..sys.ps_addr cimport ps_sockaddr, socklen_t

cdef int pack_address(int family, object address, ps_sockaddr *out) except -1
cdef object standard_address(object sock, object address)
cdef object unpack_address(const ps_sockaddr *addr, socklen_t length)
