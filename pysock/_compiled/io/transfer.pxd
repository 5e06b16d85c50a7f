"""The transfers of one system call that files make, too. The reasons are in transfer.pyx."""

from ..core.socket_object cimport socket
from ..sys.ps_addr cimport ps_sockaddr, socklen_t

cdef object receive_into(socket sock, object buffer, Py_ssize_t nbytes, object flags)
cdef object send(socket sock, object data, object flags)
cdef object receive_bytes(socket sock, Py_ssize_t bufsize)
cdef Py_ssize_t receive_to(socket sock, void *memory, Py_ssize_t size) except -1
cdef object receive_if_ready(socket sock, Py_ssize_t bufsize)
cdef object receive_datagram(socket sock, Py_ssize_t bufsize, ps_sockaddr *name, socklen_t *namelen)
cdef ssize_t send_datagram(socket sock, object data, object address, ps_sockaddr *name,
                           socklen_t namelen) except -1
cdef ssize_t send_bytes(socket sock, object data) except -1
