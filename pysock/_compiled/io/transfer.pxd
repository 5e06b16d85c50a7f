"""The transfers of one system call that files make, too. The reasons are in transfer.pyx."""

from ..core.socket_object cimport socket

cdef object receive_into(socket sock, object buffer, Py_ssize_t nbytes, object flags)
cdef object send(socket sock, object data, object flags)
