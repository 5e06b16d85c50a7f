"""For other Cython modules: a socket's fields, and transfers to and from C memory.

    from pysock.capi cimport receive, send_all, socket

`socket` is the interpreter's own type, as _sockobject.pxd declares it: its subclasses, this
package's and `ssl`'s among them, have its fields. Read them; they are the interpreter's to write.
Compile with the package's own folder among the include_dirs. This module, _sockobject.pxd and its
header are all that an installation has for it: the other .pxd need csrc, and may change any day.

The functions are this package's loop: tried first, the socket's timeout, signals, -1 with the
exception that the method raises. Call them with the GIL; they release it to wait. They go by the
methods of a socket that has others in their place (TLS), or is of a family that is left to the
standard library.
"""

from ._compiled.core.socket_object cimport socket

# As recv(2) and send(2): how many bytes, 0 at the end of a stream.
cdef ssize_t receive(socket sock, void *memory, size_t count, int flags) except -1
cdef ssize_t send(socket sock, const void *memory, size_t count, int flags) except -1

# All of them: 1, or 0 where the stream ended before. *left*, unless it is NULL, is the number that has
# not moved, after an exception too. The timeout is for the whole call where csrc moves the bytes.
cdef int receive_all(socket sock, void *memory, size_t count, size_t *left) except -1
cdef int send_all(socket sock, const void *memory, size_t count, size_t *left) except -1
