"""EventLoop: asyncio's own, with the methods that pysock adds."""

import asyncio
import asyncio.unix_events
import time

from ..._shared import PACKAGE
from ..._shared.event_loop import PARTS
from ..._shared.public_names import set_public_names
from .sock_methods import BASES


class EventLoop(*BASES, asyncio.unix_events._UnixSelectorEventLoop):
    """`asyncio.SelectorEventLoop`, with the methods that pysock adds.

    *selector* is one of the module `selectors`; None makes a `selectors.DefaultSelector`. Writes
    are coalesced in C only: *coalesce_writes* changes nothing here.
    """

    __module__ = PACKAGE

    def __init__(self, selector=None, *, coalesce_writes=None):
        self._metrics = dict.fromkeys(
            ("turns", "callbacks", "waited_ns", "busy_ns", "longest_turn_ns"), 0
        )
        super().__init__(selector)

    def _process_events(self, event_list):
        self._woken = time.monotonic_ns()
        super()._process_events(event_list)
        self._metrics["callbacks"] += len(self._ready) + self._due()

    def _due(self):
        """How many timers this turn runs. In a heap no timer is due whose parent is not."""
        end = self.time() + self._clock_resolution
        count = 0
        places = [0]
        while places:
            at = places.pop()
            if at < len(self._scheduled) and self._scheduled[at]._when < end:
                count += 1
                places += (2 * at + 1, 2 * at + 2)
        return count

    def _run_once(self):
        begun = time.monotonic_ns()
        try:
            super()._run_once()
        finally:
            busy = time.monotonic_ns() - self._woken
            metrics = self._metrics
            metrics["turns"] += 1
            metrics["waited_ns"] += self._woken - begun
            metrics["busy_ns"] += busy
            metrics["longest_turn_ns"] = max(metrics["longest_turn_ns"], busy)

    def metrics(self):
        """metrics() -> dict

        Return what the loop has done since it was made: `turns`, the `callbacks` that it has run,
        the nanoseconds that it `waited_ns` for events and was `busy_ns` with callbacks, and the
        `longest_turn_ns`.
        """
        return dict(self._metrics)

    def not_accelerated(self):
        """not_accelerated() -> str or None

        Return why the loop leaves its work to asyncio's own methods now.
        """
        return _REASON


_REASON = "the extension modules are not in use"


def parts(of_loop):
    """Return a dict from each part of *of_loop* to why it is asyncio's own."""
    return dict.fromkeys(PARTS, of_loop.not_accelerated())


set_public_names({"EventLoop": EventLoop})
