"""What `socket.peercred()` returns."""

from collections import namedtuple


class PeerCredentials(namedtuple("PeerCredentials", ("pid", "uid", "gid"))):
    """Who is at the other end of an AF_UNIX connection: `(pid, uid, gid)`.

    They are the process's own when it called `connect`, `listen` or `socketpair` (`unix(7)`,
    SO_PEERCRED). *pid* is 0 for a process that this one's PID namespace does not show; it may
    belong to another process once that one has ended.
    """

    __slots__ = ()


PeerCredentials.__module__ = __package__
