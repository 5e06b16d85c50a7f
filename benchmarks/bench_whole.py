"""All of it: recv_exactly, recv_exactly_into and sendmsg_all against the loops they replace.

A process of its own feeds the receives, without an end. Their figure is the receiving thread's CPU
time: how fast the feeder is, is not the receiver's merit.
"""

import subprocess
import sys
from contextlib import contextmanager
from time import perf_counter_ns, thread_time_ns

from bench_stream import socketpair, tcp_pair
from harness.row import CHILD, Row, rows

MIB = 1 << 20
FEEDER = """
import os
data = bytes(1 << 20)
try:
    while True:
        os.write(0, data)
except OSError:
    pass
"""


@contextmanager
def fed(socket, pair, timeout):
    """A socket whose peer sends for as long as it is there."""
    with pair(socket) as (a, b):
        feeder = subprocess.Popen([sys.executable, "-S", "-c", FEEDER], stdin=a.fileno())
        a.close()
        try:
            b.recv(1)
            b.settimeout(timeout)
            yield b
        finally:
            b.close()
            feeder.wait()


def cpu_time(operation):
    def loop(n):
        begin = thread_time_ns()
        for _ in range(n):
            operation()
        return thread_time_ns() - begin

    return loop


def joined(sock, n, bufsize):
    """What recv_exactly is for those who have none."""
    chunks = []
    while n > 0:
        chunk = sock.recv(min(n, bufsize))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        n -= len(chunk)
    return b"".join(chunks)


def received(title, *promise, **parameters):
    return Row(title, *promise, c="receive_whole", where=CHILD, best=False, **parameters)


@rows(
    received("recv_exactly(1 MiB)", 1.5, 3),
    received("recv_exactly(1 MiB), timeout", 1.5, 3, timeout=5.0),
    received("recv_exactly(1 MiB), TCP", pair=tcp_pair),
    received("recv_exactly(1 MiB) for recv(4096)", bufsize=4096),
    received("recv_exactly(1 MiB), tight heap", freed=0),
)
def bench_recv_exactly(socket, pair=socketpair, timeout=None, bufsize=65536, freed=16 * MIB):
    """Against pieces of *bufsize*, joined.

    glibc gives memory back to the system, and page by page takes it again, for each message of this
    size, until the process has *freed* a larger block: that is the tight heap.
    """
    bytearray(freed)
    with fed(socket, pair, timeout) as sock:
        operation = lambda: joined(sock, MIB, bufsize)  # noqa: E731
        if hasattr(sock, "recv_exactly"):
            operation = lambda: sock.recv_exactly(MIB)  # noqa: E731
        yield cpu_time(operation), (sock, MIB, 1)


@rows(
    received("recv_exactly_into(16 MiB)", 1.0, 1.1, block_ms=10.0),
    received("recv_exactly_into(16 MiB), TCP", block_ms=10.0, pair=tcp_pair),
)
def bench_recv_exactly_into(socket, pair=socketpair, timeout=None):
    room = bytearray(16 * MIB)

    def filled():
        with memoryview(room) as view:
            done = 0
            while done < len(view):
                n = sock.recv_into(view[done:])
                if n == 0:
                    raise EOFError
                done += n

    with fed(socket, pair, timeout) as sock:
        operation = filled
        if hasattr(sock, "recv_exactly_into"):
            operation = lambda: sock.recv_exactly_into(room)  # noqa: E731
        yield cpu_time(operation), (sock, len(room), 0)


@rows(
    Row("sendmsg_all of 100 x 1 KiB", 1.2, 2, c="send_buffers"),
    Row("sendmsg_all of 100 x 1 KiB, timeout", 1.2, 2, c="send_buffers", timeout=5.0),
    Row("sendmsg_all of 100 x 1 KiB, TCP", c="send_buffers", pair=tcp_pair),
    Row("sendmsg_all of 5000 x 8 B", c="send_buffers", count=5000, size=8),
    Row("sendmsg_all of 10 x 16 KiB", c="send_buffers", count=10, size=16384),
    Row("sendmsg_all of 16 B + 1 KiB", c="send_buffers", count=2, first=16),
    Row("sendmsg_all of 16 B + 160 KiB", c="send_buffers", count=2, first=16, size=160 * 1024),
)
def bench_sendmsg_all(socket, pair=socketpair, timeout=None, count=100, size=1024, first=None):
    """What is sent is received between the measured passes: all of it fits into a send buffer."""
    sizes = [size if first is None else first] + [size] * (count - 1)
    buffers = [bytes([i % 256]) * size for i, size in enumerate(sizes)]
    total = sum(sizes)
    with pair(socket) as (a, b):
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)  # or what the system allows
        a.settimeout(timeout)
        room = bytearray(total)

        def take():
            with memoryview(room) as view:
                done = 0
                while done < total:
                    done += b.recv_into(view[done:])

        operation = lambda: a.sendall(b"".join(buffers))  # noqa: E731
        if hasattr(a, "sendmsg_all"):
            operation = lambda: a.sendmsg_all(buffers)  # noqa: E731

        def loop(n):
            ns = 0
            for _ in range(n):
                begin = perf_counter_ns()
                operation()
                ns += perf_counter_ns() - begin
                take()
            return ns

        yield loop, (a, b, count, size, sizes[0])
