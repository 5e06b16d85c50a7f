"""Zero-copy sends in the fallback: they copy, and none is ever pending."""

import socket as _stdlib

from ..._shared import original
from ..._shared.arguments import as_int
from ..._shared.deadline import NOT_GIVEN, Deadline
from ..._shared.results import Reaped

MSG_ZEROCOPY = getattr(_stdlib, "MSG_ZEROCOPY", 0x4000000)


def send_zerocopy(self, buffer, flags=0):
    """Send bytes as `send` does; return the number of bytes sent.

    The kernel copies them, so no send is pending, and `capabilities()["zerocopy"]` is 0. Raises
    what `send` raises.
    """
    return self.send(buffer, as_int(flags) & ~MSG_ZEROCOPY)


def _check_open(sock):
    original.socket.getsockopt(sock, _stdlib.SOL_SOCKET, _stdlib.SO_TYPE)


def zerocopy_pending(self, /):
    """Return 0: no send is pending. Raises OSError if the socket is closed."""
    _check_open(self)
    return 0


def reap_zerocopy(self, timeout=NOT_GIVEN, deadline=None):
    """Return (0, 0), the numbers of completed sends and of copied ones: no send is pending.

    *timeout*, in seconds or None, and *deadline*, a `time.monotonic()`, are checked but not used,
    as it does not wait. Raises OSError if the socket is closed.
    """
    Deadline(self, timeout, deadline)
    _check_open(self)
    return Reaped(0, 0)
