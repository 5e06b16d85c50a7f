"""EpollSelector: what an event loop pays to say what it waits for, and to learn who is ready."""

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


@rows(
    Row("register + unregister", 1.5, 2, c="register_unregister", how="register"),
    Row("modify, events and data", 1.5, 2, c="modify_twice", how="modify", per=2),
)
def bench_interest(socket, how):
    """As asyncio has it: by number, each time with data of its own."""
    cls = getattr(socket, "EpollSelector", selectors.EpollSelector)
    a, b = socket.socketpair()
    with a, b, cls() as selector:
        fd = a.fileno()
        if how == "modify":
            selector.register(fd, selectors.EVENT_READ, 0)

            def loop(n):
                for i in range(n):
                    selector.modify(fd, selectors.EVENT_READ | selectors.EVENT_WRITE, i)
                    selector.modify(fd, selectors.EVENT_READ, None)

        else:

            def loop(n):
                for i in range(n):
                    selector.register(fd, selectors.EVENT_READ, i)
                    selector.unregister(fd)

        yield loop, (selector, fd)
