"""The constants of `selectors` that C code needs."""

cdef enum:
    EVENT_READ = 1
    EVENT_WRITE = 2

cdef enum:  # the indices of the fields of a SelectorKey, a named tuple
    KEY_FILEOBJ = 0
    KEY_FD = 1
    KEY_EVENTS = 2
    KEY_DATA = 3
    KEY_SIZE = 4
