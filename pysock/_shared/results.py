"""The named tuples that methods return."""

from collections import namedtuple

from . import PACKAGE


class PeerCredentials(namedtuple("PeerCredentials", ("pid", "uid", "gid"))):
    """Who is at the other end of an AF_UNIX connection: `(pid, uid, gid)`.

    They are the process's own when it called `connect`, `listen` or `socketpair` (`unix(7)`,
    SO_PEERCRED). *pid* is 0 for a process that this one's PID namespace does not show; it may
    belong to another process once that one has ended.
    """

    __slots__ = ()


class Reaped(namedtuple("Reaped", ("completed", "copied"))):
    """How many zero-copy sends are done, and how many of these the kernel copied all the same."""

    __slots__ = ()


PeerCredentials.__module__ = PACKAGE
