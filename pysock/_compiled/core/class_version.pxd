"""The version of a class, which changes with an attribute of it or of a base class."""

cdef extern from "_compiled/core/class_version.h":
    unsigned long version_of "pysock_version_of"(object cls) noexcept
