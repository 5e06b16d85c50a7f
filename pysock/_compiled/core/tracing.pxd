"""Whether somebody traces or profiles this thread. C code then leaves no Python frame out."""

cdef extern from "_compiled/core/tracing.h":
    bint is_traced "pysock_is_traced"() noexcept
