"""The rows of threads: what they get beside each other. benchmarks/fairness.py has the long form.

A row is a program that knows `socket` alone. It returns times in seconds, and rates, which end
with "/s".
"""

import socket
import threading
import time
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

SHORT_WORK = 40e-6  # s of Python between two waits
WAIT = 1e-3  # s


class Here(NamedTuple):
    """What a row is given."""

    drive: Callable  # (seconds, port, count, datagrams=False): clients in another process
    new_loop: Callable


class Row(NamedTuple):
    lines: dict[str, str]  # the lines of the table, and which figure of the row each of them has
    figures: Callable  # (seconds, here)
    of_loop: bool = False


def percentiles(times):
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def short_works():
    """What a call of an executor often is: it waits, works for a moment, and so on."""
    for _ in range(5):
        time.sleep(WAIT)
        until = time.perf_counter() + SHORT_WORK
        while time.perf_counter() < until:
            pass


def timed_for(seconds, call):
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end or not times:
        call()
        times.append(time.perf_counter() - begin)
    return times


class Computing(threading.Thread):
    """Counts in pure Python until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self.count = 0
        self._running = True
        self._started_counting = threading.Event()

    def run(self):
        self._started_counting.set()
        while self._running:
            for _ in repeat(None, 500):
                pass
            self.count += 1

    def __enter__(self):
        self.start()
        self._started_counting.wait()
        return self

    def __exit__(self, *failure):
        self._running = False
        self.join()


class AlwaysReady(threading.Thread):
    """A thread that sends to itself: it never has to wait."""

    def __init__(self, stream=False):
        super().__init__(daemon=True)
        if stream:
            self.a, self.b = socket.socketpair()
        else:
            self.a = self.b = socket.socket(type=socket.SOCK_DGRAM)
            self.a.bind(("127.0.0.1", 0))
            self.a.connect(self.a.getsockname())
        self.count, self.running = 0, True

    def run(self):
        data, a, b = bytes(64), self.a, self.b
        while self.running:
            a.send(data)
            b.recv(64)
            self.count += 1

    def __enter__(self):
        self.start()
        time.sleep(0.05)
        self.before, self.since = self.count, time.perf_counter()
        return self

    def __exit__(self, *failure):
        count = max(self.count - self.before, 1)
        self.rate = count / (time.perf_counter() - self.since)
        self.running = False
        self.join()
        self.a.close()
        self.b.close()


def beside_ready(call, stream=False):
    """Return a row: *call* again and again, beside a thread that always finds data."""

    def row(seconds, here=None):
        with AlwaysReady(stream) as busy:
            times = timed_for(seconds, call)
        return {**percentiles(times), "busy/s": busy.rate}

    return row


def echo(sock):
    """A connection's thread in a thread-per-connection server."""
    try:
        with sock:
            while data := sock.recv(4096):
                sock.sendall(data)
    except ConnectionError:
        pass  # the clients stop with answers on their way


class EchoThreads:
    """A thread-per-connection server for *count* clients, on *port* of loopback."""

    def __init__(self, count):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True) for _ in range(count)]

    def _accept(self):
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        echo(sock)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        if not any(failure):  # all clients have come, and have gone
            for thread in self._threads:
                thread.join()
        self._listener.close()


def echo_threads(count):
    def row(seconds, here):
        with EchoThreads(count) as server:
            return here.drive(seconds, server.port, count)

    return row


ROWS = [
    Row({"echo by a thread, 1 client": "echoes/s"}, echo_threads(1)),
    Row({"echo by threads, 16 clients": "echoes/s"}, echo_threads(16)),
    Row(
        {
            "short works beside UDP to itself": "p50",
            "UDP to itself beside short works": "busy/s",
        },
        beside_ready(short_works),
    ),
]
