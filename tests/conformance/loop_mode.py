"""Brings `pysock.EventLoop` into the child: asyncio's tests find it where they look for a loop.

child.py imports this before anything else, so it imports nothing itself.
"""

LOOPS = ("SelectorEventLoop", "EventLoop")  # the second since Python 3.13
POLICIES = ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy")  # since 3.14 the second
# What the loop makes in C. CPython's tests make these themselves too, of asyncio's classes.
PARTS = ("_SelectorSocketTransport", "_SelectorDatagramTransport")


def put_in(pysock, coalesce_writes):
    """Make pysock's loop what asyncio and its tests know as the SelectorEventLoop."""
    import asyncio
    from asyncio import unix_events

    pysock.EventLoop.mro()  # it derives from asyncio's when it is first used, which must be before
    event_loop = pysock.EventLoop
    if coalesce_writes:
        event_loop.__init__.__kwdefaults__["coalesce_writes"] = True

    for place in (asyncio, unix_events):
        for name in LOOPS:
            if hasattr(place, name):
                setattr(place, name, event_loop)
    for name in POLICIES:
        if hasattr(unix_events, name):
            getattr(unix_events, name)._loop_factory = event_loop
    # The one in asyncio.streams stays: the loop replaces that reader where it may.
    asyncio.StreamReader = own_class(asyncio.StreamReader)


def own_class(original):
    """pysock's class in the place of asyncio's; on the fallback there is none, and it stays."""
    for cls in original.__subclasses__():
        if cls.__module__.partition(".")[0] == "pysock":
            return cls
    return original


def import_with(event_loop, name):
    """Import the test module. What it makes of asyncio's classes, or derives, is then pysock's."""
    import importlib
    from asyncio import selector_events

    # test_selector_events derives from it. Tests that import it later want a loop without sendfile.
    base = selector_events.BaseSelectorEventLoop
    selector_events.BaseSelectorEventLoop = event_loop
    try:
        tests = importlib.import_module(name)
    finally:
        selector_events.BaseSelectorEventLoop = base
    # In the test module only: the loop leaves the making to asyncio where asyncio's are replaced.
    for name in PARTS:
        if hasattr(tests, name):
            setattr(tests, name, own_class(getattr(tests, name)))
    return tests


def count_loops(event_loop):
    """Count from here on: [loops of pysock's class, other selector loops, turns of the former].

    The turns are those that the loop says it made: in debug mode asyncio's method makes them.
    """
    from asyncio import unix_events

    counts = [0, 0, 0]
    original = unix_events._UnixSelectorEventLoop
    init, close = original.__init__, original.close

    def counting_init(self, *args, **named):
        counts[not isinstance(self, event_loop)] += 1
        init(self, *args, **named)

    def counting_close(self):
        if isinstance(self, event_loop) and not self.is_closed():
            counts[2] += self.metrics()["turns"]
        close(self)

    original.__init__, original.close = counting_init, counting_close
    return counts


def end_debug_mode():
    """Let an IsolatedAsyncioTestCase have a loop that works as in production.

    It asks for debug mode, in which the loop leaves its work to asyncio's methods.
    """
    from unittest import IsolatedAsyncioTestCase as Case

    if hasattr(Case, "_setupAsyncioRunner"):
        set_up = Case._setupAsyncioRunner

        def set_up_runner(self):
            set_up(self)
            self._asyncioRunner.get_loop().set_debug(False)

        Case._setupAsyncioRunner = set_up_runner
    else:  # Python 3.10
        set_up = Case._setupAsyncioLoop

        def set_up_loop(self):
            set_up(self)
            self._asyncioTestLoop.set_debug(False)

        Case._setupAsyncioLoop = set_up_loop
