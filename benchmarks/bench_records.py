"""Records out of a stream: pysock's Stream against the file that `makefile` gives, as people read.

Where a row says "at a time", records are sent one by one and each read goes to the socket.
"""

from contextlib import contextmanager
from itertools import repeat

from harness.row import CHILD, Row, rows

LINE = b"x" * 63 + b"\n"
MANY = 1024  # lines in 64 KiB


@contextmanager
def reader(socket, timeout):
    """A sender, and what reads from its peer: a Stream where the variant has one."""
    a, b = socket.socketpair()
    with a, b:
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        a.settimeout(timeout)
        b.settimeout(timeout)
        with socket.Stream(b) if hasattr(socket, "Stream") else b.makefile("rb") as file:
            yield a, file


@rows(
    Row("readline of 64 B, 64 KiB at a time", 1.0, 1.5, c="read_lines", where=CHILD, per=MANY),
    Row("readline of 64 B, 64 KiB, timeout", c="read_lines", where=CHILD, per=MANY, timeout=5.0),
)
def bench_many_lines(socket, timeout=None):
    block = LINE * MANY
    with reader(socket, timeout) as (a, file):

        def loop(n):
            for _ in repeat(None, n):
                a.sendall(block)
                for _ in repeat(None, MANY):
                    file.readline()

        yield loop, (a, file.fileno(), MANY, len(LINE))


@rows(
    Row("readline of 64 B at a time, timeout", 1.5, 2, c="send_recv", where=CHILD),
    Row(
        "readuntil of 64 B at a time, timeout",
        1.5,
        2,
        c="send_recv",
        where=CHILD,
        separator=b"\r\n",
    ),
)
def bench_line(socket, separator=b"\n"):
    record = b"x" * (64 - len(separator)) + separator
    with reader(socket, 5.0) as (a, file):

        def by_readline(n):
            for _ in repeat(None, n):
                a.send(record)
                file.readline()

        def by_readuntil(n):
            for _ in repeat(None, n):
                a.send(record)
                file.readuntil(separator)

        both = hasattr(file, "readuntil") and len(separator) > 1
        yield by_readuntil if both else by_readline, (a, file.fileno(), 64, 65536)


@rows(Row("readexactly of 4 B + 100 B at a time", 1.5, 2, c="send_recv", where=CHILD))
def bench_length_prefixed(socket):
    record = (100).to_bytes(4, "big") + bytes(100)
    with reader(socket, 5.0) as (a, file):
        read = file.readexactly if hasattr(file, "readexactly") else file.read

        def loop(n):
            for _ in repeat(None, n):
                a.send(record)
                read(int.from_bytes(read(4), "big"))

        yield loop, (a, file.fileno(), 104, 65536)
