"""A connect waits, and another thread closes its socket and gives the number to another one."""

import contextlib
import errno
import os
import select
import signal
import socket as stdlib
import threading
import time

from cell import MODES, alarms, finish, net, outcome, start
from connecting import CONNECTS, FullBacklog, instead, of, passes
from support.connections import BlackHole, found, refusing_address

PART = "descriptor reused by another thread"
TCP_SYN_SENT = 2


class Failed:
    """A socket with an error that nobody has asked for yet."""

    def __init__(self):
        self.sock = stdlib.socket()
        self.sock.setblocking(False)
        with refusing_address() as address:
            self.sock.connect_ex(address)
            select.select([], [self.sock], [], 20)

    def close(self):
        self.sock.close()

    def has_its_error(self):
        return self.sock.getsockopt(stdlib.SOL_SOCKET, stdlib.SO_ERROR) == errno.ECONNREFUSED


class Thief(threading.Thread):
    """Closes the first socket of *made* when it connects, and gives its number to *other*."""

    def __init__(self, made, other, then):
        super().__init__()
        self.made, self.other, self.then, self.fd = made, other, then, None

    def run(self):
        while not self.made or not self.is_connecting(self.made[0]):
            time.sleep(0.001)
        time.sleep(0.05)  # from there to the wait
        self.fd = self.made[0].fileno()
        self.made[0].close()
        os.dup2(self.other.fileno(), self.fd)
        self.then()

    @staticmethod
    def is_connecting(sock):
        if sock.family == stdlib.AF_UNIX:
            return True  # it has no state to be seen
        info = sock.getsockopt(stdlib.IPPROTO_TCP, stdlib.TCP_INFO, 1)
        return info[0] == TCP_SYN_SENT


@contextlib.contextmanager
def robbed(made, *, tick=0, then=lambda: None):
    """The first socket that net makes, or that is in *made*, loses its number meanwhile.

    A signal comes every *tick* seconds, if any; *then* is called when the number is another's.
    Yields a list, at the end with whether the one that got the number was left alone.
    """
    makes, left_alone = net.socket, []

    def making(*args, **kwargs):
        made.append(makes(*args, **kwargs))
        return made[-1]

    with contextlib.closing(Failed()) as other:
        thief = Thief(made, other.sock, then)
        with instead("socket", making), alarms(lambda *_: None, tick, tick):
            thief.start()
            yield left_alone
            thief.join()
        still_its = os.path.sameopenfile(thief.fd, other.sock.fileno())
        os.close(thief.fd)
        left_alone.append(still_its and other.has_its_error())


def connects(hole, name, timeout, **how):
    """CONNECTS[*name*] of *hole*, robbed: its result, and whether the other was left alone."""
    with contextlib.closing(hole), of(hole.listener.family, timeout) as sock:
        made = [] if name.startswith("create") else [sock]
        with robbed(made, **how) as left_alone:
            result, got = outcome(lambda: CONNECTS[name](sock, hole.address, timeout))
        if got is not None:
            got.close()
        return result, left_alone == [True]


# How create_connection goes on to a second address when the first one's socket is gone.
SECOND = {"one by one": {}}
if net is not stdlib:
    SECOND["race"] = {"happy_eyeballs_delay": 10}
    SECOND["deadline"] = {"total_timeout": 20}


def to_the_second(how, tick):
    """The first address swallows all, and is robbed; at the second one somebody listens."""
    with (
        contextlib.closing(BlackHole()) as hole,
        stdlib.create_server(("127.0.0.1", 0)) as listener,
    ):
        addresses = found([hole.address, listener.getsockname()])
        with instead("getaddrinfo", lambda *args: addresses), robbed([], tick=tick) as left_alone:
            result, got = outcome(lambda: net.create_connection(("name.test", 80), 0.3, **how))
        if got is None:
            return result, left_alone == [True]
        with got, listener.accept()[0] as peer:
            return result, passes(got, peer) and left_alone == [True]


def signal_main():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)


def connect():
    for name in CONNECTS:
        start(PART, name)
        result, whole = connects(BlackHole(), name, 0.3)
        finish(result=result, whole=whole)
        for mode, timeout in MODES.items():
            # A signal makes the call look at its descriptor again.
            start(PART, name, mode, "storm of signals")
            result, whole = connects(BlackHole(), name, timeout, tick=0.001)
            finish(result=result, whole=whole)
    for name in ("connect", "connect_ex"):
        start(PART, "AF_UNIX", name)
        hole = FullBacklog()
        result, whole = connects(hole, name, None, then=hole.open)
        finish(result=result, whole=whole)
        # One signal, and late: after an earlier one the standard library says it is connected.
        start(PART, "AF_UNIX", name, "a signal then")
        result, whole = connects(FullBacklog(), name, None, then=signal_main)
        finish(result=result, whole=whole)
    for name, how in SECOND.items():
        for what, tick in (("quiet", 0), ("storm of signals", 0.001)):
            start(PART, "create_connection, second address", name, what)
            result, whole = to_the_second(how, tick)
            finish(result=result, whole=whole)
