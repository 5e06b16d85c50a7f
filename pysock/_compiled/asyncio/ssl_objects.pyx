"""The interpreter's ssl objects, called from C.

`ssl.SSLObject` is a Python class: its methods call those of `_ssl._SSLSocket`, which is the connection of
OpenSSL. Here these are called directly, by the methods that the classes had when this module was loaded.
The classes in C cannot be changed. An SSLObject of a subclass, or with a method that is replaced, has no
connection for this module, and a BIO of a subclass is none: then asyncio's own methods ask them.
"""

import asyncio.sslproto

cimport cython

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.dict cimport PyDict_Size

from ..core cimport traceback
from ..core.instance_dict cimport generic_dict
from ..core.threads cimport dict_get
from .loop cimport LoopState, take_buffer
from .original_methods cimport OriginalMethods

cdef extern from "_compiled/asyncio/getset.h":
    ctypedef struct getset "PyGetSetDef":
        pass

    getset *getset_of "pysock_getset_of"(object descriptor) except NULL
    object get "pysock_get"(object instance, const getset *attribute)

cdef object ssl = asyncio.sslproto.ssl  # None in an interpreter without it
cdef object SSLObject = getattr(ssl, "SSLObject", None)
cdef object Connection = None
cdef object MemoryBIO = None
cdef object read_method = None
cdef object write_method = None
cdef object bio_read = None
cdef object bio_write = None
cdef object pending_descriptor = None
cdef getset *BIO_PENDING = NULL
cdef OriginalMethods methods = None


cdef bint find_classes() except -1:
    """Take the classes and their methods. False where they are not what is known here."""
    global SSLContext, Connection, MemoryBIO, read_method, write_method, bio_read, bio_write, methods
    global AgainErrors, pending_descriptor, BIO_PENDING
    if ssl is None or not hasattr(asyncio.sslproto, "SSLAgainErrors"):  # since Python 3.11
        return False
    from _ssl import _SSLSocket
    from _ssl import MemoryBIO as BIO
    if ssl.MemoryBIO is not BIO:
        return False
    SSLContext, Connection, MemoryBIO = ssl.SSLContext, _SSLSocket, BIO
    read_method, write_method = _SSLSocket.read, _SSLSocket.write
    bio_read, bio_write = BIO.read, BIO.write
    pending_descriptor = BIO.pending
    BIO_PENDING = getset_of(pending_descriptor)
    methods = OriginalMethods(SSLObject, ("read", "write"))
    AgainErrors = asyncio.sslproto.SSLAgainErrors
    return has_original_methods()


SSLContext = None
AgainErrors = ()
is_known = find_classes()


@cython.final
@cython.freelist(4)
cdef class Memory:
    """Memory of somebody else, for `_ssl` to read or to write. Nobody else sees the object."""

    cdef char *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *view, int flags):
        view.buf = self.start
        view.len = self.size
        view.itemsize = 1
        view.readonly = False
        view.ndim = 1
        view.format = NULL
        view.shape = view.strides = view.suboffsets = NULL
        view.internal = NULL
        view.obj = self


cdef bint has_original_methods() except -1:
    """Whether nobody has replaced a method of `ssl.SSLObject` that C code goes round."""
    return methods.are_those_of(SSLObject)


cdef object connection_of(object sslobj):
    """The `_ssl._SSLSocket` of *sslobj*; None where the methods of *sslobj* must be called."""
    cdef object connection
    cdef dict attributes
    if type(sslobj) is not SSLObject or not has_original_methods():
        return None
    attributes = generic_dict(sslobj, NULL)
    connection = dict_get(attributes, "_sslobj")
    if type(connection) is not Connection or PyDict_Size(attributes) != 1 and (
            "read" in attributes or "write" in attributes):
        return None
    return connection


cdef bint is_bio(object bio) noexcept:
    return type(bio) is MemoryBIO


cdef Py_ssize_t pending_in(object bio) except -1:
    """How many bytes *bio* has, a BIO of `is_bio`."""
    return get(bio, BIO_PENDING)


cdef object read_bio(object bio):
    return bio_read(bio)


cdef int write_bio(object bio, char *data, Py_ssize_t size) except -1:
    cdef Memory memory = Memory.__new__(Memory)
    memory.start = data
    memory.size = size
    bio_write(bio, memory)
    return 0


cdef Py_ssize_t read_into_buffer(object connection, Py_ssize_t size, object buffer) except -1:
    """Read up to *size* bytes of one record into *buffer*. 0 where the peer has closed its side."""
    return read_method(connection, size, buffer)


cdef Py_ssize_t encrypt(object connection, object data) except -1:
    """Write *data* as records. Returns how many bytes were written."""
    return write_method(connection, data)


cdef int read_records(object connection, object incoming, Memory memory, char *data, Py_ssize_t size,
                      Py_ssize_t *used, bint *is_at_end) except -1:
    """Read into *size* bytes at *data*. 1 where they are full and there may be more.

    A read gives what is left of one record. A shorter one than was asked for has left nothing, and
    where no records wait it would only raise SSLWantReadError to ask for more.
    """
    cdef Py_ssize_t n
    while used[0] < size:
        memory.start = data + used[0]
        memory.size = size - used[0]
        try:
            n = read_into_buffer(connection, memory.size, memory)
        except AgainErrors:
            return 0
        if n == 0:
            is_at_end[0] = True
            return 0
        used[0] += n
        if used[0] < size and pending_in(incoming) == 0:
            return 0
    return 1


cdef bytes decrypt_all(object connection, object incoming, LoopState state, bint *is_at_end):
    """Read all that is there. *is_at_end* is set where the peer has closed its side."""
    cdef Memory memory = Memory.__new__(Memory)
    cdef bytearray buffer = take_buffer(state)
    cdef char *start = PyByteArray_AS_STRING(buffer)
    cdef Py_ssize_t used
    cdef bint is_full = True
    cdef list chunks = []
    try:
        while is_full:
            used = 0
            is_full = read_records(
                connection, incoming, memory, start, PyByteArray_GET_SIZE(buffer), &used, is_at_end)
            chunks.append(start[:used])
    finally:
        state.buffer = buffer
    return b"".join(chunks)  # of one chunk: the chunk itself
