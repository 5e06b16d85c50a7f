"""The numbers of `selectors`."""

cdef enum:
    EVENT_READ = 1
    EVENT_WRITE = 2

cdef enum:  # where a SelectorKey has its things: (fileobj, fd, events, data)
    KEY_FILEOBJ = 0
    KEY_FD = 1
    KEY_EVENTS = 2
    KEY_DATA = 3
    KEY_SIZE = 4
