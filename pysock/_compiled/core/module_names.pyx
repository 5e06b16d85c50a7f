# cython: binding=False
"""Names of a module that C code does not look up at each call, and that somebody may replace.

The standard library's functions look up the globals of their module when they run. A mock or a tool
replaces them there. C code that stands for such a function asks here whether that has happened.
"""

cimport cython

from .threads cimport dict_get


cdef extern from "_compiled/core/module_names.h":
    bint watch_dict "pysock_watch_dict"(dict namespace)
    long long dict_version "pysock_dict_version"(dict namespace) noexcept


@cython.final
cdef class ModuleNames:
    """The *names* of *module*, as they are now."""

    def __cinit__(self, module, *names):
        self.namespace = vars(module)
        self.values = {name: self.namespace.get(name) for name in names}
        self.is_watched = watch_dict(self.namespace)

    cdef bint are_original(self) except -1:
        """Whether nobody has replaced one of them."""
        # Before it looks: what another thread replaces meanwhile counts at the next call.
        cdef long long version = dict_version(self.namespace)
        if version == self.version and self.is_watched:
            return True
        for name, value in self.values.items():
            if dict_get(self.namespace, name) is not value:
                return False
        self.version = version
        return True
