"""What only AF_UNIX sockets can do: send_fds, recv_fds, peercred.

Each public function is a method: _compiled/socket.py lists it in `socket`. An exception after
descriptors were received closes them, because the caller never gets their numbers.
"""

from array import array
from errno import EMSGSIZE

from ..._shared import loops
from ..._shared.results import PeerCredentials

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.string cimport memset

from ..core.retry cimport transfer
from ..core.errors cimport raise_errno
from ..core.arguments cimport ssize_as_int
from ..core.sockaddr cimport unpack_address
from ..core.socket_class cimport overrides
from ..core.socket_object cimport socket
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr
from ..sys.ps_cmsg cimport (
    PS_RIGHTS_BESIDE, PS_MAX_RIGHTS, SCM_RIGHTS, ps_cmsg_space, ps_cmsg_take_rights,
    ps_rights_room,
)
from ..sys.ps_io cimport MSG_CMSG_CLOEXEC, MSG_CTRUNC, iovec, msghdr, ps_io, ps_recvmsg
from ..sys.ps_socket cimport SOL_SOCKET, ps_close, ps_peer, ps_peercred
from ..sys.ps_wait cimport POLLIN


cdef int raise_lost_descriptors(object data) except -1:
    error = OSError(
        EMSGSIZE,
        "descriptors were lost: more than maxfds were sent, or no more can be opened",
    )
    error.partial = data
    raise error


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def send_fds(self, buffers, fds, flags=0, address=None):
        """send_fds(buffers, fds[, flags[, address]]) -> number of bytes sent

        Send the bytes of many *buffers*, and descriptors with them. *fds* is an iterable of at most 253
        descriptors. The receiver gets duplicates of them (`unix(7)`, SCM_RIGHTS). They are sent with the
        first byte, so a stream needs at least one byte to send them. *flags* and *address* are those of
        `sendmsg`. Raises what `sendmsg` raises.
        """
        return self.sendmsg(buffers, [(SOL_SOCKET, SCM_RIGHTS, array("i", fds))], flags, address)

    def recv_fds(self, Py_ssize_t bufsize, Py_ssize_t maxfds, Py_ssize_t flags=0):
        """recv_fds(bufsize, maxfds[, flags]) -> (bytes, list of descriptors, msg_flags, address)

        Receive at most *bufsize* bytes and *maxfds* descriptors. All descriptors are close-on-exec from
        the start (`recvmsg(2)`, MSG_CMSG_CLOEXEC). The caller has to close them. Where the sender sent
        more than *maxfds*, or this process may not open so many, all descriptors that came are closed, and
        OSError(EMSGSIZE) is raised. It has the bytes that came with them as `.partial`. Raises ValueError
        for a negative number, and what `recvmsg` raises.
        """
        cdef msghdr msg
        cdef iovec iov
        cdef ps_io io
        cdef ps_sockaddr name
        cdef ps_rights_room control
        cdef int[PS_MAX_RIGHTS] fds
        cdef int64_t deadline = 0
        cdef size_t most, sent, received, i
        cdef ssize_t n
        if bufsize < 0 or maxfds < 0:
            raise ValueError("bufsize and maxfds must not be negative")
        if overrides(self, "recvmsg") or not ps_addr_family_known(self.sock_family):
            return loops.unix.recv_fds(self, bufsize, maxfds, flags)
        most = min(<size_t>maxfds, <size_t>PS_MAX_RIGHTS)
        data = PyBytes_FromStringAndSize(NULL, bufsize)
        iov.iov_base = PyBytes_AS_STRING(data)
        iov.iov_len = <size_t>bufsize
        memset(&msg, 0, sizeof(msg))
        msg.msg_name = &name
        msg.msg_namelen = sizeof(name)
        msg.msg_iov = &iov
        msg.msg_iovlen = 1
        msg.msg_control = &control
        msg.msg_controllen = ps_cmsg_space(most * sizeof(int)) + PS_RIGHTS_BESIDE
        io.msg = &msg
        io.len = io.likely = <size_t>bufsize
        io.flags = ssize_as_int(flags) | MSG_CMSG_CLOEXEC
        n = transfer(self, ps_recvmsg, &io, POLLIN, &deadline)
        sent = ps_cmsg_take_rights(&msg, fds, most)
        received = min(sent, most)
        try:
            if n < bufsize:
                data = data[:n]
            if sent > most or msg.msg_flags & MSG_CTRUNC:
                raise_lost_descriptors(data)
            return (data, [fds[i] for i in range(received)], msg.msg_flags & ~MSG_CMSG_CLOEXEC,
                    unpack_address(&name, msg.msg_namelen))
        except:
            for i in range(received):
                ps_close(fds[i])
            raise

    def peercred(self, /):
        """peercred() -> PeerCredentials(pid, uid, gid)

        The process, the user and the group of the peer of an AF_UNIX socket (`unix(7)`, SO_PEERCRED). The
        socket is a stream or seqpacket connection, or one of a socketpair. Raises OSError: ENOTCONN where
        there is no peer, EOPNOTSUPP where the kernel does not know the peer (another family, or a datagram
        socket after `connect`), ENOPROTOOPT on a system without SO_PEERCRED.
        """
        cdef ps_peer peer
        cdef int n = ps_peercred(self.sock_fd, &peer)
        if n < 0:
            raise_errno(n)
        return PeerCredentials(peer.pid, peer.uid, peer.gid)
