"""For other Cython modules: the fields of a socket, and transfers to and from C memory.

    from pysock.capi cimport receive, send_all, socket

`socket` is the interpreter's own type, as _compiled/core/socket_object.pxd declares it. Its
subclasses have the same fields, among them this package's and `ssl`'s. Only read the fields; the
interpreter writes them. Compile with the package's own folder among the include_dirs. An
installation has this module, socket_object.pxd and the headers that it needs. The other .pxd need
csrc, and may change at any time.

The functions use this package's retry loop. They try first, they honour the socket's timeout, and
they run signal handlers. On an error they return -1 and set the exception that the method raises.
Call them with the GIL held; they release it to wait. If a class overrides the methods (TLS), or if
the family is one that the standard library handles, they call the socket's methods.

A free-threaded interpreter turns the GIL on when it imports a module that does not declare that it
needs none. A Cython module declares it in its first lines, if it is written for that:

    # cython: freethreading_compatible=True
"""

from ._compiled.core.socket_object cimport socket

# As recv(2) and send(2): return the number of bytes, 0 at the end of a stream.
cdef ssize_t receive(socket sock, void *memory, size_t count, int flags) except -1
cdef ssize_t send(socket sock, const void *memory, size_t count, int flags) except -1

# Transfer all bytes. Return 1, or 0 if the stream ended before. *left* may be NULL. It is set to
# the number of bytes that were not transferred, also after an exception. The socket's timeout is
# for the whole call, unless the socket's methods are called.
cdef int receive_all(socket sock, void *memory, size_t count, size_t *left) except -1
cdef int send_all(socket sock, const void *memory, size_t count, size_t *left) except -1
