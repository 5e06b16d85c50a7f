"""A proxy between two TCP connections: splice against the loop that it replaces.

Who sends and who receives are processes of their own, without an end. The figure is the CPU time of
the proxy's thread: how long it takes is their affair, too. On loopback who sends also runs the
network stack of who receives, which no proxy can save: there is less to win than through a device.
"""

import subprocess
import sys
from contextlib import contextmanager
from time import thread_time_ns

from bench_stream import tcp_pair
from bench_whole import FEEDER, MIB
from harness.row import CHILD, Row, rows

SHAPE = {"block_ms": 30.0, "rounds": 40}
DRAIN = """
import os
room = [bytearray(1 << 20)]
try:
    while os.readv(0, room):
        pass
except OSError:
    pass
"""


@contextmanager
def other_end(program, sock):
    """A process that has *sock* for its standard input."""
    with sock, subprocess.Popen([sys.executable, "-S", "-c", program], stdin=sock.fileno()) as end:
        sock.close()
        try:
            yield
        finally:
            end.kill()


def copied(source, target, bufsize):
    """What people write: whatever came goes out again."""
    room = memoryview(bytearray(bufsize))

    def forward(size):
        while size:
            came = source.recv_into(room[:size])
            target.sendall(room[:came])
            size -= came

    return forward


def proxy(title, *promise, **parameters):
    return Row(title, *promise, c="proxy", where=CHILD, best=False, **SHAPE, **parameters)


@rows(
    proxy("proxy, CPU, for recv_into(64 KiB) + sendall", 2, 4),
    proxy("proxy, CPU, for recv_into(256 KiB) + sendall", bufsize=262144),
)
def bench_proxy(socket, bufsize=65536):
    with tcp_pair(socket) as (sender, source), tcp_pair(socket) as (target, receiver):
        forward = copied(source, target, bufsize)
        if hasattr(socket, "splice"):
            forward = lambda size: socket.splice(source, target, size)  # noqa: E731
        with other_end(FEEDER, sender), other_end(DRAIN, receiver):

            def loop(n):
                begin = thread_time_ns()
                forward(n * MIB)
                return thread_time_ns() - begin

            yield loop, (source, target)
