"""Descriptors that travel, and the peer's credentials, over the standard library.

The fallback's own methods, and what the C backend hands a socket to whose class has a `recvmsg` of
its own, or whose family it does not know.
"""

import array
import collections
import errno
import os
import socket as _stdlib
import struct
import sys

from .. import original
from ..arguments import as_int, as_size
from ..results import PeerCredentials

_SCM_RIGHTS = getattr(_stdlib, "SCM_RIGHTS", 1)
_SCM_PIDFD = 4 if sys.platform == "linux" else None
_CLOEXEC = 0x40000000 if sys.platform == "linux" else 0  # MSG_CMSG_CLOEXEC
_SCM_MAX_FD = 253
_BESIDE = 512  # for what may stand beside the descriptors, see csrc/ps_cmsg.h
_UCRED = struct.Struct("iII")
_NOBODY = 0xFFFFFFFF


def send_fds(self, buffers, fds, flags=0, address=None):
    """Send bytes of many *buffers*, and descriptors with them; return the number of bytes sent.

    *fds* is an iterable of descriptors; the receiver gets duplicates of them (`unix(7)`,
    SCM_RIGHTS). They go with the first byte: a stream carries none without one. At most 253 go at
    once. *flags* and *address* are those of `sendmsg`. Raises what `sendmsg` raises.
    """
    rights = (_stdlib.SOL_SOCKET, _SCM_RIGHTS, array.array("i", fds))
    return self.sendmsg(buffers, [rights], flags, address)


def _descriptors(ancdata):
    """The descriptors in *ancdata*: a list of those sent, an iterator over what else came."""
    sent, others = array.array("i"), array.array("i")
    for level, kind, data in ancdata:
        if level == _stdlib.SOL_SOCKET and kind in (_SCM_RIGHTS, _SCM_PIDFD):
            (sent if kind == _SCM_RIGHTS else others).frombytes(data[: len(data) // 4 * 4])
    # Instead of a pidfd the kernel may give an error's number.
    return sent.tolist(), iter([fd for fd in others if fd >= 0])


def _close(fds):
    collections.deque(map(os.close, fds), maxlen=0)  # no signal's handler runs in between


def recv_fds(self, bufsize, maxfds, flags=0):
    """Receive bytes and descriptors; return (bytes, list of descriptors, msg_flags, address).

    At most *bufsize* bytes and *maxfds* descriptors. All of them are close-on-exec from the start
    (`recvmsg(2)`, MSG_CMSG_CLOEXEC); they are the caller's to close. Where not all could be handed
    over (more than *maxfds* were sent, or this process may open no more), none is: those that came
    are closed, and OSError(EMSGSIZE) is raised, with the bytes that came with them as `.partial`.
    Raises ValueError for a negative number, and what `recvmsg` raises.
    """
    bufsize, maxfds, flags = as_size(bufsize), as_size(maxfds), as_int(flags)
    if bufsize < 0 or maxfds < 0:
        raise ValueError("bufsize and maxfds must not be negative")
    room = _stdlib.CMSG_SPACE(4 * min(maxfds, _SCM_MAX_FD)) + _BESIDE
    came, fds, others = [], [], None
    try:
        # Kept by C code before a signal's handler can run, and raise: no descriptor is lost.
        came.extend(map(self.recvmsg, (bufsize,), (room,), (flags | _CLOEXEC,)))
        data, ancdata, msg_flags, address = came[0]
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
        if came and others is None:
            fds, others = _descriptors(came[0][1])
        if came:
            _close(fds)
            _close(others)
        raise


def peercred(self):
    """Return the pid, uid and gid of the peer of an AF_UNIX socket, as `PeerCredentials`.

    Of the peer of a stream or seqpacket connection, or of the other one of a socketpair
    (`unix(7)`, SO_PEERCRED). Raises OSError: ENOTCONN where there is no peer, EOPNOTSUPP for a
    socket that is told nothing about it (another family, a datagram socket that was connected),
    ENOPROTOOPT on a system without SO_PEERCRED.
    """
    option = getattr(_stdlib, "SO_PEERCRED", None)
    if sys.platform != "linux" or option is None:
        raise _error(errno.ENOPROTOOPT)
    ask = original.socket.getsockopt
    pid, uid, gid = _UCRED.unpack(ask(self, _stdlib.SOL_SOCKET, option, _UCRED.size))
    if self.family != _stdlib.AF_UNIX:
        raise _error(errno.EOPNOTSUPP)
    if ask(self, _stdlib.SOL_SOCKET, _stdlib.SO_ACCEPTCONN):
        raise _error(errno.ENOTCONN)  # the kernel would name the listener itself
    if uid == gid == _NOBODY:
        original.socket.getpeername(self)
        raise _error(errno.EOPNOTSUPP)
    return PeerCredentials(pid, uid, gid)


def _error(number):
    return OSError(number, os.strerror(number))
