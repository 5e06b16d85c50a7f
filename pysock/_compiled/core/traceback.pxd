"""For a module whose lines no traceback is to show: `from . cimport _traceback`. Why: the header."""

cdef extern from "_compiled/core/traceback.h":
    pass
