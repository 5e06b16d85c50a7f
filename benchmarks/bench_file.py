"""makefile: records read through the file object that every client library uses."""

from itertools import repeat

from harness.row import CHILD, Row, rows


@rows(
    Row("makefile readline of 64 B, timeout", 1.35, 1.8, c="send_recv", where=CHILD, timeout=5.0),
    Row("makefile readline of 64 B, blocking", c="send_recv", where=CHILD),
)
def bench_readline(socket, timeout=None):
    """One line is sent, one line is read: every readline goes to the socket."""
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(timeout)
        b.settimeout(timeout)
        line = b"x" * 63 + b"\n"
        with b.makefile("rb") as file:

            def loop(n):
                for _ in repeat(None, n):
                    a.send(line)
                    file.readline()

            yield loop, (a, b, 64, 64)
