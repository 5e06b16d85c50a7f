"""What other modules need of the options of a socket."""

from ..core.socket_object cimport socket


cdef dict standard_names  # of the module `socket`

cdef int read_low_water(socket sock) except -1
cdef bint are_members_known(dict names, bint of_family, bint of_type) except -1
