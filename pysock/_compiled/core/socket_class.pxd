"""The class `pysock.socket`: which of its methods a subclass or a patch replaces."""

from .socket_object cimport socket
from .threads cimport shared_long

cdef object socket_class  # pysock.socket
cdef object module_file   # the file of the module that defines it
cdef dict namespace       # of the package: where its functions look up their globals
cdef list replaced_names  # what install() has replaced: empty without it


cdef class OriginalAttributes:
    cdef object cls
    cdef dict values          # by name
    cdef shared_long version  # the version of the class in which they were looked through last

    cdef bint are_unpatched(self) except -1


cdef bint overrides(socket sock, str method) except -1
cdef bint is_unpatched(socket sock) except -1
cdef bint is_stream(socket sock, str method) except -1
