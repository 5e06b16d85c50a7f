"""Whether a selector has something overridden or patched that the C code does not look up."""

cdef enum:
    ATTRIBUTES = 3  # of a selector: `_fd_to_key`, `_map` and `_selector`

cdef dict attributes_of(object selector)
cdef dict attributes_to_select(object selector)
cdef bint overrides_lookup(dict attributes) except -1
