"""What the kernel and a socket can do for datagrams beyond the plain calls: capabilities, set_gro.

Each capability is a number. It is 1 where the kernel lacks it, so that callers need no second path. The
kernel is asked when a number is first needed, not at import.
"""

from os import environ

from ..._shared.socket_state import entries, find_entry

cimport cython

from ..core.errors cimport raise_errno
from ..io.zerocopy_pending cimport always_copies
from ..core.socket_object cimport socket
from ..core.threads cimport shared_int
from ..sys.ps_addr cimport AF_INET, AF_INET6, socklen_t
from ..sys.ps_probe cimport (
    ps_probe_batch, ps_probe_gro_segments, ps_probe_gso_segments, ps_probe_zerocopy,
)
from ..sys.ps_socket cimport (
    IPPROTO_UDP, SOCK_DGRAM, SOL_UDP, UDP_GRO, ps_getsockopt, ps_setsockopt,
)


cdef bint gso_disabled = environ.get("PYSOCK_DISABLE_GSO", "0") not in ("", "0")
cdef shared_int probed_gso = 0  # 0 before the kernel is asked
cdef shared_int probed_gro = 0


cdef bint is_udp(socket sock) noexcept:
    return (sock.sock_type == SOCK_DGRAM and (sock.sock_proto == 0 or sock.sock_proto == IPPROTO_UDP)
            and (sock.sock_family == AF_INET or sock.sock_family == AF_INET6))


cdef int gso_segments(socket sock) except -1:
    """How many datagrams one send of *sock* may have; for None, of any UDP socket."""
    global probed_gso
    if probed_gso == 0:
        probed_gso = 1 if gso_disabled else ps_probe_gso_segments()
    if sock is None or probed_gso == 1:
        return probed_gso
    if not is_udp(sock):
        return 1
    if entries:
        entry = find_entry(sock)
        if entry is not None and entry.gso_refused:
            return 1
    return probed_gso


cdef int gro_segments() noexcept:
    global probed_gro
    if probed_gro == 0:
        probed_gro = ps_probe_gro_segments()
    return probed_gro


cdef int gro_joins(socket sock) except -1:
    """Whether the kernel joins datagrams for *sock*. Other code may have set the option, too."""
    cdef int value = 0
    cdef socklen_t length = sizeof(value)
    if not is_udp(sock):
        return 0
    return ps_getsockopt(sock.sock_fd, SOL_UDP, UDP_GRO, &value, &length) == 0 and value != 0


cdef int can_zerocopy(socket sock) except -1:
    return 0 if sock is not None and always_copies(sock) else ps_probe_zerocopy()


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def capabilities(socket sock=None, /):
    """capabilities([sock]) -> dict of numbers

    What the kernel can do for datagrams. A number is 1, and that of zerocopy 0, where it cannot:

    * `gso_segments`: how many datagrams one send to a peer may have (UDP_SEGMENT);
    * `gro_segments`: how many datagrams of a peer one receive may return, after `set_gro` (UDP_GRO);
    * `batch`: how many messages one system call moves (`recvmmsg(2)`, `sendmmsg(2)`);
    * `zerocopy`: whether `send_zerocopy` can send without a copy (SO_ZEROCOPY).

    With *sock* the numbers are those of that socket. `gso_segments` is 1 after the kernel has refused
    GSO for its route, and `zerocopy` is 0 where its sends are always copied. With PYSOCK_DISABLE_GSO=1
    in the environment `gso_segments` is always 1.
    """
    return {
        "gso_segments": gso_segments(sock),
        "gro_segments": gro_segments() if sock is None or is_udp(sock) else 1,
        "batch": ps_probe_batch(),
        "zerocopy": can_zerocopy(sock),
    }


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def set_gro(self, on=True, /):
        """set_gro(on=True)

        Let the kernel join datagrams that arrive together from one peer (`udp(7)`, UDP_GRO), or not,
        where *on* is false. `recvmmsg` and `DatagramBatch` split them into the datagrams that were sent.
        The plain calls do not: `recv` returns the joined bytes, and `recvmsg` has the size of each
        datagram in a UDP_GRO control message. Nothing happens where the kernel cannot join;
        `capabilities()["gro_segments"]` is 1 there. Raises OSError where the socket is not a UDP socket.
        """
        cdef int value = 1 if on else 0
        cdef int n
        if is_udp(self) and gro_segments() == 1 and self.sock_fd >= 0:
            return
        n = ps_setsockopt(self.sock_fd, SOL_UDP, UDP_GRO, &value, sizeof(value))
        if n < 0:
            raise_errno(n)
