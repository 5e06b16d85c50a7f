"""The event loop by name: `EventLoop`, `new_event_loop()` and `run()`. They import asyncio late."""

import sys

from . import PACKAGE
from .deferred_class import DeferredClass
from .public_names import set_public_names

# What may be in C, and what asyncio's own methods may do in its place. The first one is the loop.
PARTS = (
    "callbacks",
    "connections",
    "transports",
    "datagrams",
    "streams",
    "sock_* methods",
    "TLS",
)


def load(backend):
    """Import asyncio and the classes that *backend* has for it; return their module.

    The public name `EventLoop` is the class itself from now on.
    """
    # First, and alone: a thread that imports asyncio calls this at the end of its import, and would
    # wait for the backend's module while another thread that imports that waits for asyncio.
    import asyncio  # noqa: F401

    module = backend.load_asyncio()
    names = vars(sys.modules[PACKAGE])
    if type(names.get("EventLoop")) is DeferredClass:
        names["EventLoop"] = module.EventLoop
    return module


def make_public(backend):
    """Return the public names, for a *backend* whose class `load_asyncio()` loads."""

    def event_loop_class():
        return load(backend).EventLoop

    def new_event_loop():
        """Return a new `EventLoop` that coalesces writes.

        It is a loop factory: for `asyncio.Runner`, for `uvicorn --loop pysock:new_event_loop`, and
        for whatever else takes one.
        """
        return event_loop_class()(coalesce_writes=True)

    def run(main, *, debug=None, loop_factory=None):
        """Run the coroutine *main* on a new `EventLoop`, as `asyncio.run`, and return its result.

        *debug* turns asyncio's debug mode on or off; None leaves the default. *loop_factory* makes
        another loop. Raises RuntimeError where a loop is running in this thread.
        """
        import asyncio

        if hasattr(asyncio, "Runner"):  # since Python 3.11
            if asyncio._get_running_loop() is not None:
                raise RuntimeError("asyncio.run() cannot be called from a running event loop")
            with asyncio.Runner(debug=debug, loop_factory=loop_factory or new_event_loop) as runner:
                return runner.run(main)
        return _run_without_runner(main, debug, loop_factory or new_event_loop)

    functions = {"new_event_loop": new_event_loop, "run": run}
    set_public_names(functions)
    if "asyncio" in sys.modules:
        return {"EventLoop": event_loop_class(), **functions}
    return {"EventLoop": DeferredClass("EventLoop", event_loop_class), **functions}


def _run_without_runner(main, debug, loop_factory):
    """`asyncio.run` of Python 3.10, with the loop of a factory."""
    import asyncio

    if asyncio._get_running_loop() is not None:
        raise RuntimeError("asyncio.run() cannot be called from a running event loop")
    if not asyncio.iscoroutine(main):
        raise ValueError(f"a coroutine was expected, got {main!r}")
    loop = loop_factory()
    try:
        asyncio.set_event_loop(loop)
        if debug is not None:
            loop.set_debug(debug)
        return loop.run_until_complete(main)
    finally:
        try:
            asyncio.runners._cancel_all_tasks(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
