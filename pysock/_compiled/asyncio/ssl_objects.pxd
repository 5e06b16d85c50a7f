"""The interpreter's ssl objects, called from C. The reasons are in ssl_objects.pyx."""

from .loop cimport LoopState

cdef bint is_known  # the interpreter has ssl, with the classes that are known here
cdef object SSLContext
cdef tuple AgainErrors

cdef bint has_original_methods() except -1
cdef object connection_of(object sslobj)
cdef bint is_bio(object bio) noexcept
cdef Py_ssize_t pending_in(object bio) except -1
cdef object read_bio(object bio)
cdef int write_bio(object bio, char *data, Py_ssize_t size) except -1
cdef Py_ssize_t read_into_buffer(object connection, Py_ssize_t size, object buffer) except -1
cdef Py_ssize_t encrypt(object connection, object data) except -1
cdef bytes decrypt_all(object connection, object incoming, LoopState state, bint *is_at_end)
