"""Whether somebody has replaced names of a module. The reasons are in module_names.pyx."""

from .threads cimport shared_int64


cdef class ModuleNames:
    cdef dict namespace
    cdef dict values           # by name
    cdef bint is_watched
    cdef shared_int64 version  # of the namespace, in which it was looked through last

    cdef bint are_original(self) except -1
