"""What a read does after it: what waits is written. The reasons are in ssl_writing.pyx."""

cdef int do_write(object self) except -1
cdef int process_outgoing(object self) except -1
