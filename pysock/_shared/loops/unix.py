"""Passing of file descriptors, and the credentials of the peer, over the standard library.

They are the methods of the fallback. The compiled backend calls them for a socket of a class that
overrides `recvmsg`, or of a family that it does not handle.
"""

import array
import collections
import errno
import os
import socket as _stdlib
import sys

from .. import original
from ..arguments import as_int, as_size
from ..results import PeerCredentials

_SCM_RIGHTS = getattr(_stdlib, "SCM_RIGHTS", 1)
_SCM_PIDFD = 4 if sys.platform == "linux" else None
_CLOEXEC = 0x40000000 if sys.platform == "linux" else 0  # MSG_CMSG_CLOEXEC
_SCM_MAX_FD = 253
_OTHER_CONTROL = 512  # bytes for other control messages, see csrc/ps_cmsg.h
_SIZEOF_UCRED = 12  # pid, uid and gid, of 4 bytes each
_NOBODY = 0xFFFFFFFF


def send_fds(self, buffers, fds, flags=0, address=None):
    """Send the bytes of many *buffers* and file descriptors; return the number of bytes sent.

    *fds* is an iterable of descriptors. The receiver gets duplicates of them (`unix(7)`,
    SCM_RIGHTS). They are sent with the first byte: on a stream they need at least one. At most 253
    can be sent at once. *flags* and *address* are those of `sendmsg`. Raises what `sendmsg` raises.
    """
    rights = (_stdlib.SOL_SOCKET, _SCM_RIGHTS, array.array("i", fds))
    return self.sendmsg(buffers, [rights], flags, address)


def _descriptors(ancdata):
    """Return a list of the SCM_RIGHTS descriptors in *ancdata*, an iterator over the others."""
    sent, others = array.array("i"), array.array("i")
    for level, kind, data in ancdata:
        if level == _stdlib.SOL_SOCKET and kind in (_SCM_RIGHTS, _SCM_PIDFD):
            (sent if kind == _SCM_RIGHTS else others).frombytes(data[: len(data) // 4 * 4])
    # The kernel may put a negative errno in the place of a pidfd.
    return sent.tolist(), iter([fd for fd in others if fd >= 0])


def _close(fds):
    collections.deque(map(os.close, fds), maxlen=0)  # in C code: no signal handler runs in between


def recv_fds(self, bufsize, maxfds, flags=0):
    """Receive bytes and file descriptors; return (bytes, list of descriptors, msg_flags, address).

    Receives at most *bufsize* bytes and *maxfds* descriptors. Every descriptor is close-on-exec
    from the start (`recvmsg(2)`, MSG_CMSG_CLOEXEC). The caller must close them. If not all can be
    returned (more than *maxfds* were sent, or this process may open no more), the received ones are
    closed and OSError(EMSGSIZE) is raised; its `.partial` has the bytes that were received with
    them. Raises ValueError for a negative number, and what `recvmsg` raises.
    """
    bufsize, maxfds, flags = as_size(bufsize), as_size(maxfds), as_int(flags)
    if bufsize < 0 or maxfds < 0:
        raise ValueError("bufsize and maxfds must not be negative")
    ancbufsize = _stdlib.CMSG_SPACE(4 * min(maxfds, _SCM_MAX_FD)) + _OTHER_CONTROL
    received, fds, others = [], [], None
    try:
        # C code stores the result before a signal handler can raise, so no descriptor leaks.
        received.extend(map(self.recvmsg, (bufsize,), (ancbufsize,), (flags | _CLOEXEC,)))
        data, ancdata, msg_flags, address = received[0]
        fds, others = _descriptors(ancdata)
        if len(fds) > maxfds or msg_flags & _stdlib.MSG_CTRUNC:
            error = OSError(
                errno.EMSGSIZE,
                "descriptors were lost: more than maxfds were sent, or no more can be opened",
            )
            error.partial = data
            raise error
        for fd in () if _CLOEXEC else fds:
            os.set_inheritable(fd, False)
        _close(others)
        return data, fds, msg_flags & ~_CLOEXEC, address
    except BaseException:
        if received and others is None:
            fds, others = _descriptors(received[0][1])
        if received:
            _close(fds)
            _close(others)
        raise


def peercred(self):
    """Return the pid, uid and gid of the peer of an AF_UNIX socket, as `PeerCredentials`.

    The peer is that of a stream or seqpacket connection, or the other end of a socketpair
    (`unix(7)`, SO_PEERCRED). Raises OSError: ENOTCONN if there is no peer; EOPNOTSUPP for a socket
    that has no such information (another family, a connected datagram socket); ENOPROTOOPT on a
    system without SO_PEERCRED.
    """
    option = getattr(_stdlib, "SO_PEERCRED", None)
    if sys.platform != "linux" or option is None:
        raise _error(errno.ENOPROTOOPT)
    getsockopt = original.socket.getsockopt
    ucred = getsockopt(self, _stdlib.SOL_SOCKET, option, _SIZEOF_UCRED)
    pid, uid, gid = memoryview(ucred).cast("I")
    if self.family != _stdlib.AF_UNIX:
        raise _error(errno.EOPNOTSUPP)
    if getsockopt(self, _stdlib.SOL_SOCKET, _stdlib.SO_ACCEPTCONN):
        raise _error(errno.ENOTCONN)  # the kernel would return the listener's own
    if uid == gid == _NOBODY:
        original.socket.getpeername(self)
        raise _error(errno.EOPNOTSUPP)
    return PeerCredentials(pid, uid, gid)


def _error(number):
    return OSError(number, os.strerror(number))
