"""Zero-copy sends that are pending. The reasons are in zerocopy_pending.pyx."""

from libc.stdint cimport uint32_t, uint64_t

from ..core.socket_object cimport socket
from ..sys.ps_batch cimport ps_inbox
from ..sys.ps_io cimport ps_io
from ..sys.ps_zerocopy cimport ps_notice, ps_range, ps_zerocopy, ps_zerocopy_send

cdef dict sends_by_cookie  # SO_COOKIE of a kernel socket: its Sends. It is empty in most processes
cdef dict owners           # id of a socket object: (weak reference to it, its Sends)


cdef class HeldBuffer:
    cdef Py_buffer view
    cdef bint acquired
    cdef ps_range numbers    # of the kernel, from ps_send_zerocopy
    cdef uint32_t not_done   # how many of these numbers are not done
    cdef bint copied         # the kernel has copied at least a part

    cdef int acquire(self, object buffer) except -1
    cdef bint apply(self, const ps_notice *notice) noexcept


cdef class Sends:
    cdef ps_zerocopy counter
    cdef bint has_counter
    cdef uint64_t cookie
    cdef set owner_ids                 # ids of the socket objects that have used it
    cdef set in_flight                 # HeldBuffers of calls that have not returned
    cdef list pending                  # HeldBuffers of calls that have returned
    cdef list notices                  # Notices that came while a call was in flight
    cdef list messages                 # Messages for other readers of the error queue
    cdef Py_ssize_t completed, copied  # sends, since the last report
    cdef bint has_foreign              # other code makes zero-copy sends on the socket, too

    cdef int finish_send(self, HeldBuffer held, const ps_zerocopy_send *job) except -1
    cdef list pop_done(self)
    cdef list apply(self, const ps_notice *notice)
    cdef int drain_error_queue(self, socket sock) except -1
    cdef int add_owner(self, socket sock) except -1
    cdef int drop_if_unused(self) except -1


cdef Sends find_sends(socket sock)
cdef Sends find_or_make_sends(socket sock)
cdef bint always_copies(socket sock) except -1
cdef Py_ssize_t close_owner(socket sock) except -1
cdef int warn_of_pending(object sock, Py_ssize_t pending) except -1
cdef ssize_t receive_error(socket sock, ps_io *io) except -1
cdef ssize_t receive_plain_error(socket sock, ps_io *io) except -1
cdef int apply_notices(socket sock, const ps_inbox *inbox) except -1
