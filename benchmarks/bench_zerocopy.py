"""Sends from the caller's memory, where they cannot win: to loopback the kernel copies after all.

Through a real device they save one copy of the data. What they cost is measured here: memory to be
pinned, a notice for each send, and the same copy, made later.
"""

import subprocess
import sys
from contextlib import contextmanager
from itertools import repeat

from harness.needs import ZEROCOPY
from harness.row import Row, rows

DRAIN = """
import socket, sys
room = bytearray(1 << 20)
sock = socket.socket(fileno=int(sys.argv[1]))
while sock.recv_into(room):
    pass
"""


@contextmanager
def drained(socket):
    """A connection whose other end another process reads to the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    command = [sys.executable, "-c", DRAIN, str(server.fileno())]
    with client:
        with server:
            reader = subprocess.Popen(command, pass_fds=[server.fileno()])
        yield client
    reader.wait(10)


# Blocks that are too long to fit the buffers between the two processes.
LONG = {"c": "send_zerocopy", "needs": (ZEROCOPY,), "block_ms": 50.0, "rounds": 40}


@rows(
    Row("zero-copy 64 KiB (loopback, where the kernel copies)", size=1 << 16, **LONG),
    Row("zero-copy 1 MiB (loopback, where the kernel copies)", size=1 << 20, **LONG),
)
def bench_send_zerocopy(socket, size):
    """By the standard library sendall; the kernel is done with every send at the end of a block."""
    data = bytes(size)
    with drained(socket) as sock:

        def loop_sendall(n):
            for _ in repeat(None, n):
                sock.sendall(data)

        def loop_zerocopy(n):
            for _ in repeat(None, n):
                sock.send_zerocopy(data)
                sock.zerocopy_pending()
            sock.reap_zerocopy()

        yield loop_zerocopy if hasattr(sock, "send_zerocopy") else loop_sendall, (sock, size)
