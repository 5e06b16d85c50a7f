"""Whether a class still has the methods that C code goes round. The reasons: original_methods.pyx."""

from ..core.class_version cimport version_of
from ..core.function_code cimport function_and_code, have_code
from ..core.threads cimport shared_long

cdef enum:
    VERSIONS = 8
    MAX_FUNCTIONS = 64

cdef class OriginalMethods:
    cdef object base
    cdef tuple names
    cdef list values      # of the base
    cdef list own_values  # of the class that derives from it and has them in C
    # The Python functions among them, and their codes. In C, because they are compared at each call.
    cdef function_and_code[MAX_FUNCTIONS] functions
    cdef int function_count
    cdef bint patched_before
    cdef shared_long[VERSIONS] original_versions

    cdef int add_function(self, object value) except -1
    cdef int register_class(self, object cls) except -1
    cdef bint look_through(self, object cls) except -1

    cdef inline bint have_original_code(self) noexcept:
        return have_code(self.functions, self.function_count)

    cdef inline bint are_those_of(self, object cls) except -1:
        """Whether nobody has replaced one of the methods in *cls*, a class that has them."""
        cdef unsigned long version = version_of(cls)
        if version == 0 or self.original_versions[version % VERSIONS] != version:
            return self.look_through(cls)
        return self.have_original_code()
