"""Sockets whose system calls a transport may make itself. The reasons are in sockets.pyx."""

cdef bint has_original(object sock) except -1
