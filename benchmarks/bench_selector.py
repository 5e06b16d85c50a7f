"""EpollSelector.select: what an event loop pays to learn who is ready."""

import resource
import selectors
from contextlib import ExitStack
from itertools import repeat

from harness.row import Row, rows


def selecting(title, *promise, **parameters):
    return Row(title, *promise, c="select_ready", **parameters)


@rows(
    selecting("select, 1 ready", 2, 3, count=1),
    selecting("select, 1 ready, timeout", 2, 3, count=1, timeout=1.0),
    selecting("select, 1 ready of 1,000", count=1, idle=999),
    selecting("select, 100 ready", 2, 3, count=100),
    selecting("select, 1,000 ready", 2, 3, count=1000),
)
def bench_select(socket, count, idle=0, timeout=None):
    cls = getattr(socket, "EpollSelector", selectors.EpollSelector)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two a connection, four variants
    with ExitStack() as stack:
        selector = stack.enter_context(cls())
        for i in range(count + idle):
            a, b = map(stack.enter_context, socket.socketpair())
            selector.register(b, selectors.EVENT_READ)
            if i < count:
                a.send(b"x")
        assert len(selector.select()) == count

        def loop(n):
            for _ in repeat(None, n):
                selector.select(timeout)

        yield loop, (selector, count + idle)
