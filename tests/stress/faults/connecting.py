"""What makes connections waits, and others come in between: connect, accept, create_connection."""

import contextlib
import ctypes
import os
import socket as stdlib
import struct
import threading
import time

from cell import MODES, alarms, break_off, drain, finish, net, outcome, shim, start
from operations import BYTES
from support.connections import BlackHole, found, refusing_address

RESET = struct.pack("ii", 1, 0)
RACE = {"happy_eyeballs_delay": 0.01}


class FullBacklog:
    """A listener of AF_UNIX that lets nobody in: a connect that blocks waits in the kernel."""

    def __init__(self):
        self.listener = stdlib.socket(stdlib.AF_UNIX)
        self.listener.bind("")  # the kernel chooses an abstract name
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.inside = stdlib.socket(stdlib.AF_UNIX)
        self.inside.connect(self.address)

    open, close = BlackHole.open, BlackHole.close


class Queued:
    """A connection that waits for accept, of a listener that nobody accepts from."""

    def __init__(self):
        self.listener = stdlib.create_server(("127.0.0.1", 0))
        self.inside = stdlib.create_connection(self.listener.getsockname())

    def is_there(self):
        self.listener.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()[0].close()
            return True
        return False

    def close(self):
        self.inside.close()
        self.listener.close()


@contextlib.contextmanager
def of(family, timeout):
    with net.socket(family) as sock:
        sock.settimeout(timeout)
        yield sock


@contextlib.contextmanager
def instead(name, value):
    """*value* is net's *name*."""
    before = getattr(net, name)
    setattr(net, name, value)
    try:
        yield
    finally:
        setattr(net, name, before)


def racing(address, timeout):
    """A race of *address* against a port that refuses; or, without a race, what is like it."""
    with refusing_address() as refusing:
        with instead("getaddrinfo", lambda *args: found([address, refusing])):
            return net.create_connection(("name.test", 80), timeout, **RACE)


def connecting(sock, address, method="connect"):
    number = getattr(sock, method)(address)
    if number:
        raise OSError(number, os.strerror(number))
    return sock


# Each returns a socket that is connected: the one given, or one of its own with that timeout.
CONNECTS = {
    "connect": lambda sock, address, timeout: connecting(sock, address),
    "connect_ex": lambda sock, address, timeout: connecting(sock, address, "connect_ex"),
    "create_connection": lambda sock, address, timeout: net.create_connection(address, timeout),
}
if net is not stdlib:
    CONNECTS["create_connection, race"] = lambda sock, address, timeout: racing(address, timeout)
    CONNECTS["create_connection, deadline"] = lambda sock, address, timeout: net.create_connection(
        address, total_timeout=timeout or 10
    )


def passes(a, b):
    """Whether what is sent at one end comes out at the other."""
    stdlib.socket.setblocking(a, True)
    stdlib.socket.send(a, BYTES)
    stdlib.socket.settimeout(b, 5)
    return stdlib.socket.recv(b, 1000) == BYTES


def connects(hole, family, name, timeout, disturbed):
    """Call CONNECTS[*name*] of *hole*, *disturbed* meanwhile: its result, and whether it is true.

    Where there is said to be a connection, it passes bytes.
    """
    with contextlib.closing(hole), of(family, timeout) as sock:
        with disturbed(hole, sock):
            result, got = outcome(lambda: CONNECTS[name](sock, hole.address, timeout))
        if got is None:
            return result, True
        with got:
            hole.listener.settimeout(2)
            try:
                with hole.listener.accept()[0] as peer:
                    return result, passes(got, peer)
            except OSError:
                return result, False


@contextlib.contextmanager
def storm(hole, sock):
    """Signals all the time, and room for one more after a while."""
    timer = threading.Timer(0.05, hole.open)
    with alarms(lambda *_: None, 0.001, 0.001):
        timer.start()
        yield
    timer.join()


@contextlib.contextmanager
def raising(hole, sock):
    with alarms(break_off, 0.02):
        yield


@contextlib.contextmanager
def closing(hole, sock):
    timer = threading.Timer(0.03, sock.close)
    timer.start()
    yield
    timer.join()


@contextlib.contextmanager
def jumping(hole, sock):
    shim.shim_clock(ctypes.c_long(100_000))
    yield
    shim.shim_clock(ctypes.c_long(0))


def connect():
    for name in CONNECTS:
        for mode, timeout in MODES.items():
            if name == "connect" or timeout is not None:  # a second each
                start("storm of signals", name, mode)
                result, whole = connects(BlackHole(), stdlib.AF_INET, name, timeout, storm)
                finish(result=result, whole=whole)
            start("handler that raises", name, mode)
            result, whole = connects(BlackHole(), stdlib.AF_INET, name, timeout, raising)
            finish(result=result, whole=whole)
        start("clock that jumps", name)
        begun = time.monotonic()
        result, whole = connects(BlackHole(), stdlib.AF_INET, name, 0.05, jumping)
        finish(result=result, whole=whole and 0.05 <= time.monotonic() - begun < 5)
        start("reset", name)
        with refusing_address() as address, of(stdlib.AF_INET, 5) as sock:
            result, _ = outcome(lambda name=name, s=sock, a=address: CONNECTS[name](s, a, 5))
        finish(result=result)
    for name in ("connect", "connect_ex"):
        start("closed by another thread", name)
        result, whole = connects(BlackHole(), stdlib.AF_INET, name, 0.2, closing)
        finish(result=result, whole=whole)
        start("storm of signals", "AF_UNIX", name)
        result, whole = connects(FullBacklog(), stdlib.AF_UNIX, name, None, storm)
        finish(result=result, whole=whole)
        start("handler that raises", "AF_UNIX", name)
        result, whole = connects(FullBacklog(), stdlib.AF_UNIX, name, None, raising)
        finish(result=result, whole=whole)


def accepted(listener):
    """accept, and whether what came is a connection: to a client that comes after a while."""
    client = stdlib.socket()
    timer = threading.Timer(0.05, client.connect, [listener.getsockname()])
    timer.start()
    result, got = outcome(listener.accept)
    timer.join()
    with client:
        if got is None:
            return result, True
        with got[0]:
            return result, passes(client, got[0])


@contextlib.contextmanager
def listening(timeout):
    with net.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(timeout)
        yield listener


def accept():
    for mode, timeout in MODES.items():
        start("storm of signals", "accept", mode)
        with listening(timeout) as listener, alarms(lambda *_: None, 0.001, 0.001):
            result, whole = accepted(listener)
        finish(result=result, whole=whole)
        start("handler that raises", "accept", mode)
        with listening(timeout) as listener:
            with alarms(break_off, 0.02):
                result, _ = outcome(listener.accept)
            again, whole = accepted(listener)
        finish(result=result, whole=whole and again == "ok")
        start("reset", "accept", mode)
        with listening(timeout) as listener:
            with stdlib.create_connection(listener.getsockname()) as client:
                client.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_LINGER, RESET)
            result, got = outcome(listener.accept)
            if got:
                with got[0]:
                    result, _ = outcome(lambda got=got: got[0].recv(1))
        finish(result=result)
        start("half close", "accept", mode)
        with listening(timeout) as listener:
            with stdlib.create_connection(listener.getsockname()) as client:
                client.send(BYTES)
            result, got = outcome(listener.accept)
            with got[0]:
                whole = drain(got[0]) == BYTES
        finish(result=result, whole=whole)
    start("clock that jumps", "accept")
    begun = time.monotonic()
    with listening(0.05) as listener, jumping(None, None):
        result, _ = outcome(listener.accept)
    finish(result=result, whole=0.05 <= time.monotonic() - begun < 5)
    start("closed by another thread", "accept")
    with listening(0.2) as listener, closing(None, listener):
        result, _ = outcome(listener.accept)
    finish(result=result)
    start("descriptor reused by another thread", "accept")
    with listening(0.2) as listener, contextlib.closing(Queued()) as queued:
        fd = listener.fileno()

        def reuse():
            listener.close()
            os.dup2(queued.listener.fileno(), fd)

        thief = threading.Timer(0.03, reuse)
        thief.start()
        result, _ = outcome(listener.accept)
        thief.join()
        os.close(fd)
        whole = queued.is_there()
    finish(result=result, whole=whole)
