"""`selectors.EpollSelector`: overrides of its methods and of what it is made of are asked."""

import asyncio
import contextlib
import select
import selectors
import socket

from shown import Log, outcome, plain, say, tried

called = Log()
NAMES = [
    "_fileobj_lookup", "_key_from_fd", "register", "unregister", "modify", "select", "close",
    "get_key", "get_map", "fileno", "__init__", "__enter__", "__exit__",
]  # fmt: skip
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


def overriding(name):
    def method(self, *args, **kwargs):
        called.append(name)
        return getattr(super(type(self), self), name)(*args, **kwargs)

    return method


a, b = socket.socketpair()


def alone(cls):
    with cls() as selector:
        selector.register(b, selectors.EVENT_READ, "data")
        outcome(selector.register, b, selectors.EVENT_READ)
        ready = len(selector.select(0))
        a.send(b"1")
        ready += len(selector.select(5))
        b.recv(1)
        selector.modify(b, BOTH)
        selector.modify(b, BOTH, "other data")
        selector.get_key(b), len(selector.get_map()), b in selector.get_map(), selector.fileno()
        selector.unregister(b)
        outcome(selector.unregister, b), outcome(selector.modify, b, BOTH)
        return ready


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        return line


def in_a_loop(cls):
    loop = asyncio.SelectorEventLoop(cls())
    with contextlib.closing(loop):
        return loop.run_until_complete(echo())


for name in NAMES:
    if hasattr(selectors.EpollSelector, name):
        cls = type("Overriding", (selectors.EpollSelector,), {name: overriding(name)})
        result = outcome(alone, cls)
        say(f"alone: {name}", result, called.taken())
        result = outcome(in_a_loop, cls)
        # How often it selects is a matter of time.
        say(f"in a loop: {name}", result, sorted(set(called.taken())))

# What they answer counts.


class NothingReady(selectors.EpollSelector):
    def _key_from_fd(self, fd):
        called.append("_key_from_fd")
        return None


class Numbered(selectors.EpollSelector):
    def _fileobj_lookup(self, fileobj):
        return {"one": b.fileno()}.get(fileobj) or super()._fileobj_lookup(fileobj)


class Guarded(selectors.EpollSelector):
    def select(self, timeout=None):
        raise RuntimeError("guarded")


selector = NothingReady()
selector.register(b, BOTH)
say("_key_from_fd", len(selector.select(0)), called.taken())
selector = Numbered()
say("_fileobj_lookup", selector.register("one", selectors.EVENT_READ).fd == b.fileno())
say("_fileobj_lookup", selector.unregister("one").fileobj, len(selector.get_map()))
tried("select", Guarded().select)
loop = asyncio.SelectorEventLoop(Guarded())
tried("select in a loop", loop.run_forever)
loop.close()

# What it is made of


class Epoll:
    """Stands for select.epoll."""

    def __init__(self):
        self.epoll = select.epoll()

    def __getattr__(self, name):
        called.append(name)
        return getattr(self.epoll, name)


class OnOther(selectors.EpollSelector):
    _selector_cls = Epoll


say("_selector_cls", alone(OnOther), called.taken())
say("_selector_cls in a loop", in_a_loop(OnOther), sorted(set(called.taken())))
selector = selectors.EpollSelector()
selector._selector = Epoll()
selector.register(b, selectors.EVENT_WRITE)
say("_selector", len(selector.select(0)), called.taken())


class FailsToRegister(Epoll):
    def register(self, fd, events):
        raise ZeroDivisionError(events)

    def modify(self, fd, events):
        raise ZeroDivisionError(events)

    def poll(self, timeout=None, maxevents=-1):
        raise InterruptedError


selector = selectors.EpollSelector()
selector.register(a, BOTH)
selector._selector = FailsToRegister()
tried("register", selector.register, b, selectors.EVENT_READ)
tried("modify", selector.modify, a, selectors.EVENT_READ)
tried("select", selector.select)
say("registered", len(selector.get_map()))
selector = selectors.EpollSelector()
key = selector.register(b, BOTH, "data")
selector._fd_to_key.clear()
say("emptied", selector.select(0), len(selector.get_map()))
selector._fd_to_key[b.fileno()] = key._replace(data="another")
say("another key", [(key.data, events) for key, events in selector.select(0)])
selector._fd_to_key = {b.fileno(): key._replace(data="in another dict")}
say("another dict", [(key.data, events) for key, events in selector.select(0)])
say("its attributes", sorted(vars(selector)))
for name in sorted(vars(selector)):
    say(name, type(vars(selector)[name]).__name__)
say("key", type(key).__name__, key._fields, plain(key._replace(fd=1, fileobj=None)))


class Spied(selectors.SelectorKey):
    pass


class File:
    def fileno(self):
        called.append("fileno")
        return b.fileno()


selector = selectors.EpollSelector()
file = File()
selector.register(file, selectors.EVENT_READ)
selector.modify(file, BOTH)
selector.select(0)
selector.unregister(file)
say("a file's fileno", called.taken())
for wrong in (-1, "text", None, 1.5, object, 10**9):
    tried(f"register {wrong}", selector.register, wrong, BOTH)
    tried(f"unregister {wrong}", selector.unregister, wrong)
    tried(f"modify {wrong}", selector.modify, wrong, BOTH)
for wrong in (0, 4, 7, -1, "1", None):
    tried(f"events {wrong!r}", selector.register, b, wrong)
for wrong in ("1", object(), [], 2**70, float("inf"), 1e300):
    tried(f"timeout {plain(wrong)}", selector.select, wrong)
for timeout in (0, 0.0, -1, -0.5, False, 1e-9):
    tried(f"timeout {timeout}", selector.select, timeout)
selector.close()
tried("closed", selector.select, 0)
tried("closed", selector.register, b, BOTH)
tried("closed", selector.get_map)
tried("closed", selector.get_key, b)
tried("closed", selector.fileno)
tried("closed", selector.close)
