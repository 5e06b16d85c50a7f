"""The named tuples that methods return."""

from collections import namedtuple

from . import PACKAGE


class PeerCredentials(namedtuple("PeerCredentials", ("pid", "uid", "gid"))):
    """The process at the other end of an AF_UNIX connection: `(pid, uid, gid)`.

    These are the credentials at the time when the process called `connect`, `listen` or
    `socketpair` (`unix(7)`, SO_PEERCRED). *pid* is 0 if the PID namespace of this process does not
    show that process. After that process has ended, *pid* may belong to another one.
    """

    __slots__ = ()


class Reaped(namedtuple("Reaped", ("completed", "copied"))):
    """How many zero-copy sends have completed, and how many of these the kernel has copied."""

    __slots__ = ()


PeerCredentials.__module__ = PACKAGE
