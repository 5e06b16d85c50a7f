"""A module that does `from ..core cimport traceback` is not in tracebacks. The reason: traceback.h."""

cdef extern from "_compiled/core/traceback.h":
    pass
