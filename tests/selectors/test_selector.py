"""EpollSelector: what selectors.EpollSelector returns, for one, many, and gone descriptors."""

import asyncio
import ctypes
import gc
import os
import platform
import resource
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
import weakref
from decimal import Decimal
from fractions import Fraction

import pytest
from support.connections import takes
from support.paths import ROOT

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Index:
    def __index__(self):
        return 0


@pytest.fixture
def selector(pysock):
    with pysock.EpollSelector() as selector:
        yield selector


def test_it_is_a_selector(pysock, selector):
    assert isinstance(selector, selectors.EpollSelector)
    assert (selectors.EpollSelector is pysock.EpollSelector) == (pysock.BACKEND == "stdlib")


def by_data(ready):
    return sorted((key.data, events) for key, events in ready)


@pytest.mark.parametrize("count", [2, 100, 300])
def test_all_that_is_ready_is_returned(selector, count):
    pairs = [socket.socketpair() for _ in range(count)]
    try:
        keys = [selector.register(a, READ | WRITE, data=i) for i, (a, _) in enumerate(pairs)]
        ready = selector.select(5)
        assert by_data(ready) == [(i, WRITE) for i in range(count)]
        assert all(key is keys[key.data] for key, _ in ready)
        for _, b in pairs[::2]:
            b.send(b"x")
        expected = [(i, READ | WRITE if i % 2 == 0 else WRITE) for i in range(count)]
        assert by_data(selector.select()) == expected
        for a, _ in pairs:
            selector.modify(a, READ, selector.get_key(a).data)
        assert by_data(selector.select(0)) == [(i, READ) for i in range(0, count, 2)]
        pairs[1][1].close()  # a hang-up is a reason to read
        assert (1, READ) in by_data(selector.select(0))
    finally:
        for a, b in pairs:
            a.close()
            b.close()


@pytest.mark.parametrize(
    "timeout", [0, -1, 0.0, -5.5, False, 0.05, 1e-9, Fraction(1, 20), -(10**400)]
)
def test_nothing_ready(selector, timeout):
    start = time.monotonic()
    assert selector.select(timeout) == []
    assert max(timeout, 0) <= time.monotonic() - start < 2


@pytest.mark.parametrize(
    "timeout", ["1", [], 1e300, float("nan"), 1j, object(), 2**40, 10**400, Decimal(1), Index()]
)
def test_what_is_no_timeout(pysock, timeout):
    raised = []
    for cls in (selectors.EpollSelector, pysock.EpollSelector):
        with cls() as selector:
            with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
                selector.select(timeout)
            raised.append((caught.type, str(caught.value)))
    assert raised[0] == raised[1]


class Numbered(int):
    """A descriptor, by a class of its own."""


FORGETTING = {
    "unregister, by a number of its own class": lambda selector, sock: selector.unregister(
        Numbered(sock.fileno())
    ),
    "modify, by a number of its own class": lambda selector, sock: (
        selector.modify(Numbered(sock.fileno()), READ | WRITE, 1),
        selector.unregister(sock),
    ),
    "behind its back": lambda selector, sock: (
        selector._fd_to_key.pop(sock.fileno()),
        selector.select(0),
    ),
    "unregister": lambda selector, sock: selector.unregister(sock),
    "modify": lambda selector, sock: selector.unregister(selector.modify(sock, READ).fd),
    "modify, to what is odd": lambda selector, sock: selector.unregister(
        selector.modify(sock, 0).fd
    ),
    "close": lambda selector, sock: selector.close(),
}


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_what_is_forgotten_is_let_go(selector, forget):
    """Whatever the selector remembers of its last answer."""

    class File:
        def __init__(self, fd):
            self.fileno = lambda: fd

    a, b = socket.socketpair()
    with a, b:
        file = File(a.fileno())
        gone = weakref.ref(file)
        selector.register(file, WRITE)
        key, events = selector.select(0)[0]
        assert key.fileobj is file and events == WRITE
        del key
        forget(selector, file)
        del file
        gc.collect()
        assert gone() is None


def test_a_comparison_that_begins_the_selector_anew(pysock):
    """While what was returned is about to be remembered."""
    a, b = socket.socketpair()
    far = os.dup2(b.fileno(), 900)

    class Begins(int):
        __hash__ = int.__hash__
        left = 0

        def __eq__(self, other):
            Begins.left -= 1
            if Begins.left == 0:
                selector.__init__()
            return int.__eq__(self, other)

    with a, b:
        for when in range(1, 8):
            selector = pysock.EpollSelector()
            selector.register(far, READ)
            selector.register(Begins(a.fileno()), WRITE)
            Begins.left = when
            for _ in range(3):
                selector.select(0)
            selector.close()
    os.close(far)


def test_the_same_number_for_another(selector):
    """Not the answer of the one before, although number and events are the same."""
    a, b = socket.socketpair()
    with b:
        fd = a.fileno()
        for data in range(3):
            selector.register(a, WRITE, data)
            assert by_data(selector.select(0)) == by_data(selector.select(0)) == [(data, WRITE)]
            selector.unregister(a)
            assert selector.select(0) == []
            a.close()
            a = socket.socket(fileno=os.dup2(b.fileno(), fd))
        a.close()


def test_a_number_beyond_all_tables(selector):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    far = min(hard, 70_000) - 1
    a, b = socket.socketpair()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, far + 1), hard))
    try:
        with a, b:
            os.dup2(a.fileno(), far)
            key = selector.register(far, WRITE)
            assert selector.select(0) == selector.select(0) == [(key, WRITE)]
            assert selector.unregister(far) is key
            assert selector.select(0) == []
            os.close(far)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_closed_selector(pysock):
    selector = pysock.EpollSelector()
    selector.close()
    with pytest.raises((ValueError, AttributeError, RuntimeError, TypeError)):
        selector.select(0)


def test_signals(selector):
    ran = []
    before = signal.signal(signal.SIGALRM, lambda *_: ran.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        start = time.monotonic()
        assert selector.select(0.2) == []
        assert time.monotonic() - start >= 0.2
        assert len(ran) > 5

        def handler(*_):
            raise ZeroDivisionError

        signal.signal(signal.SIGALRM, handler)
        with pytest.raises(ZeroDivisionError):
            selector.select()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_handler_that_says_interrupted(pysock):
    """For selectors, nothing is ready then."""

    def handler(*_):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        for cls in (selectors.EpollSelector, pysock.EpollSelector):
            with cls() as selector, takes(0.05, 5):
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                assert selector.select(20) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_number_that_is_none(selector):
    """As a C library has it that puts itself into this list with a pointer for its data."""
    a, b = socket.socketpair()
    with a, b:
        packed = "=" if platform.machine() == "x86_64" else ""
        for number in (-1, -1000, -(10**8)):
            event = struct.pack(packed + "Iq", select.EPOLLOUT, number)
            assert ctypes.CDLL(None).epoll_ctl(selector.fileno(), 1, a.fileno(), event) == 0
            assert selector.select(0) == []
            assert ctypes.CDLL(None).epoll_ctl(selector.fileno(), 2, a.fileno(), event) == 0


def test_a_handler_that_closes_it(pysock):
    """Its number soon belongs to another selector, which is not the one to wait for."""
    a, b = socket.socketpair()
    with a, b, pysock.EpollSelector() as selector, selectors.EpollSelector() as another:
        selector.register(a, READ)
        another.register(a, READ)
        number = selector.fileno()

        def take_over(*_):
            selector.close()
            os.dup2(another.fileno(), number)
            b.send(b"x")

        before = signal.signal(signal.SIGALRM, take_over)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(OSError, match="Bad file descriptor"):
                selector.select(5)
        finally:
            signal.signal(signal.SIGALRM, before)
            os.close(number)


def test_a_descriptor_that_was_closed_without_saying_so(selector):
    a, b = socket.socketpair()
    with b:
        selector.register(a, READ)
        duplicate = os.dup(a.fileno())  # keeps the open file, and so epoll's interest in it
        fd = a.fileno()
        a.close()
        b.send(b"x")
        assert [key.fd for key, _ in selector.select(1)] == [fd]
        os.close(duplicate)


def test_asyncio_runs_on_it(pysock):
    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"around")
            assert await reader.readexactly(6) == b"around"
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.05)  # the server's side closes, too

    loop = asyncio.SelectorEventLoop(pysock.EpollSelector())
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


def test_install_puts_it_in_place_and_takes_it_out(pysock):
    original = selectors.DefaultSelector
    with pysock.installed():
        assert selectors.DefaultSelector is pysock.EpollSelector
        assert selectors.EpollSelector is pysock.EpollSelector
    assert selectors.DefaultSelector is original


# Collections of garbage come at any allocation; here they take away the key that is being returned.
UNREGISTERING = """
import gc, selectors, socket, sys
from pysock import EpollSelector

class Unregisters:
    def __init__(self):
        self.cycle = self
    def __del__(self):
        selector._fd_to_key.clear()

for often in range(1, 60):
    pairs = [socket.socketpair() for _ in range(40)]
    selector = EpollSelector()
    for a, b in pairs:
        selector.register(a, selectors.EVENT_READ, data=bytearray(100))
        b.send(b"x")
    gc.collect()
    Unregisters()
    gc.set_threshold(often)
    ready = selector.select(0)
    gc.set_threshold(700)
    for key, events in ready:
        assert type(key) is selectors.SelectorKey and events == selectors.EVENT_READ, key
    for sock in sum(pairs, ()):
        sock.close()
    selector.close()
"""


def test_a_key_that_is_unregistered_while_it_is_returned():
    """In a child, where freed memory is overwritten: it lives, or it does not."""
    environment = {**os.environ, "PYTHONMALLOC": "debug", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", UNREGISTERING],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
