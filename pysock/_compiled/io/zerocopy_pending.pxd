"""Zero-copy sends that are not done. The reasons are in _pending.pyx."""

from libc.stdint cimport uint32_t, uint64_t

from ..core.socket_object cimport socket
from ..sys.ps_batch cimport ps_inbox
from ..sys.ps_io cimport ps_io
from ..sys.ps_zerocopy cimport ps_notice, ps_range, ps_zerocopy, ps_zerocopy_send

cdef dict counted  # cookie of a socket of the kernel's: its Sends; most processes have none
cdef dict owners   # id of a socket object: (weak reference to it, its Sends)


cdef class HeldBuffer:
    cdef Py_buffer view
    cdef bint acquired
    cdef ps_range numbers
    cdef uint32_t left
    cdef bint copied

    cdef int acquire(self, object buffer) except -1
    cdef bint is_done_by(self, const ps_notice *notice) noexcept


cdef class Sends:
    cdef ps_zerocopy counter
    cdef bint counting
    cdef uint64_t cookie
    cdef set objects                   # ids of the socket objects that have used it
    cdef set in_flight                    # HeldBuffer of calls that have not returned
    cdef list pending                  # HeldBuffer of those that have
    cdef list early                    # Notices, while a call is in_flight
    cdef list others                   # Messages
    cdef Py_ssize_t completed, copied  # sends, since the last report
    cdef bint foreign                 # somebody else makes zero-copy sends, too: whose is whose?

    cdef int finish(self, HeldBuffer held, const ps_zerocopy_send *job) except -1
    cdef list settle(self)
    cdef list apply(self, const ps_notice *came)
    cdef int drain(self, socket sock) except -1
    cdef int add_owner(self, socket sock) except -1
    cdef int drop_if_unused(self) except -1


cdef Sends sends_of(socket sock)
cdef Sends count_sends(socket sock)
cdef bint copies_always(socket sock) except -1
cdef Py_ssize_t close_owner(socket sock) except -1
cdef int warn_of_pending(object sock, Py_ssize_t pending) except -1
cdef ssize_t receive_error(socket sock, ps_io *io) except -1
cdef ssize_t receive_plain_error(socket sock, ps_io *io) except -1
cdef int note_messages(socket sock, const ps_inbox *inbox) except -1
