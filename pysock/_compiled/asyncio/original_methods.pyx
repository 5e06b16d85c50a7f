"""Whether a class still has the methods that C code goes round.

Libraries replace methods of asyncio's classes, and the code of its functions: tracers, mocks,
debuggers. A program may override them in a class of its own. What is in their place must be called.
The interpreter gives a class a new version when an attribute of it or of a base class changes, so its
methods are looked through once for each version. It gives none when the `__code__` of a function is
replaced. So the codes are compared each time.
"""

from types import FunctionType

from ..._shared import PACKAGE

cimport cython

from cpython.object cimport PyObject

from ..core cimport traceback
from ..core.class_version cimport version_of


cdef list codes_kept = []

# Their classes have methods that C code goes round.
cdef tuple KNOWN_PACKAGES = ("asyncio", "selectors", "socket", "ssl", "weakref")


cdef bint is_unpatched(object function) except -1:
    """Whether a module of the standard library's that is known here, or of this package, has made it."""
    cdef str module = function.__globals__["__name__"]
    return (module.partition(".")[0] in KNOWN_PACKAGES
            or module == PACKAGE or module.startswith(PACKAGE + "."))


@cython.final
cdef class OriginalMethods:
    """The methods *names* of the class *base*, the standard library's or one like it, as they are now."""

    def __cinit__(self, base, tuple names):
        self.base = base
        self.names = names
        self.values = [getattr(base, name) for name in names]
        self.own_values = self.values
        for value in self.values:
            self.add_function(value)
            if type(value) is FunctionType and not is_unpatched(value):
                self.patched_before = True

    cdef int add_function(self, object value) except -1:
        """Compare the code of *value* from now on. The lists of values have the references."""
        cdef object code
        if type(value) is FunctionType:
            if self.function_count == MAX_FUNCTIONS:
                raise ImportError("more methods than there is room for")
            code = value.__code__
            codes_kept.append(code)
            self.functions[self.function_count].function = <PyObject *>value
            self.functions[self.function_count].code = <PyObject *>code
            self.function_count += 1
        return 0

    cdef int register_class(self, object cls) except -1:
        """Let *cls*, a class of this package that derives from the base, have methods of its own."""
        self.own_values = [getattr(cls, name) for name in self.names]
        for own, value in zip(self.own_values, self.values):
            if own is not value:
                self.add_function(own)

    cdef bint look_through(self, object cls) except -1:
        cdef unsigned long version
        cdef Py_ssize_t i
        if self.patched_before:
            return False
        for i in range(len(self.names)):
            if (getattr(self.base, self.names[i], None) is not self.values[i]
                    or getattr(cls, self.names[i], None) is not self.own_values[i]):
                return False
        version = version_of(cls)
        if version != 0:
            self.original_versions[version % VERSIONS] = version
        return self.have_original_code()
