"""Zero-copy sends in the fallback: sends that copy, with nothing pending."""

import socket as _stdlib

from ..._shared import original
from ..._shared.arguments import as_int
from ..._shared.deadline import NOT_GIVEN, Deadline
from ..._shared.results import Reaped

MSG_ZEROCOPY = getattr(_stdlib, "MSG_ZEROCOPY", 0x4000000)


def send_zerocopy(self, buffer, flags=0):
    """Send bytes as `send` does, and return how many that were.

    They are copied: nothing is left pending, `capabilities()["zerocopy"]` is 0. Raises what `send`
    raises.
    """
    return self.send(buffer, as_int(flags) & ~MSG_ZEROCOPY)


def _fail_if_closed(sock):
    original.socket.getsockopt(sock, _stdlib.SOL_SOCKET, _stdlib.SO_TYPE)


def zerocopy_pending(self, /):
    """Return 0: no send keeps its buffer. Raises OSError when the socket is closed."""
    _fail_if_closed(self)
    return 0


def reap_zerocopy(self, timeout=NOT_GIVEN, deadline=None):
    """Return (0, 0), of sends that are done and of those that were copied: no send is pending.

    *timeout*, in seconds or None, and *deadline*, a `time.monotonic()`, are checked and not needed:
    nothing waits. Raises OSError when the socket is closed.
    """
    Deadline(self, timeout, deadline)
    _fail_if_closed(self)
    return Reaped(0, 0)
