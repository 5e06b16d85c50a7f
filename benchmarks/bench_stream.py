"""send and recv on connected streams: small messages, timeouts, and large receive buffers."""

from contextlib import contextmanager
from itertools import repeat

from harness.row import Row, rows


@contextmanager
def socketpair(socket, timeout=None):
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(timeout)
        b.settimeout(timeout)
        yield a, b


@contextmanager
def tcp_pair(socket, timeout=None):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a = socket.create_connection(listener.getsockname())
        b, _ = listener.accept()
    with a, b:
        a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        a.settimeout(timeout)
        b.settimeout(timeout)
        yield a, b


@rows(
    Row("send+recv 64 B, blocking", 1.10, 1.20, c="send_recv"),
    Row("send+recv 64 B, timeout", 1.75, 2.0, c="send_recv", timeout=5.0),
    Row("send+recv 64 B, non-blocking", 1.10, 1.20, c="send_recv", timeout=0.0),
    Row("TCP send+recv 64 B, blocking", c="send_recv", pair=tcp_pair),
    Row("TCP send+recv 64 B, timeout", c="send_recv", pair=tcp_pair, timeout=5.0),
    Row("TCP send+recv 64 B, non-blocking", c="send_recv", pair=tcp_pair, timeout=0.0),
)
def bench_send_recv(socket, pair=socketpair, timeout=None):
    data = bytes(64)
    with pair(socket, timeout) as (a, b):

        def loop(n):
            for _ in repeat(None, n):
                a.send(data)
                b.recv(64)

        yield loop, (a, b, 64, 64)


@rows(
    Row("sendall+recv_into 64 B, blocking", c="send_recv"),
    Row("send+recv_into 64 B, timeout", 1.75, 2.0, c="send_recv", timeout=5.0, sendall=False),
)
def bench_recv_into(socket, timeout=None, sendall=True):
    data, room = bytes(64), bytearray(64)
    with socketpair(socket, timeout) as (a, b):

        def loop_sendall(n):
            for _ in repeat(None, n):
                a.sendall(data)
                b.recv_into(room)

        def loop_send(n):
            for _ in repeat(None, n):
                a.send(data)
                b.recv_into(room)

        yield loop_sendall if sendall else loop_send, (a, b, 64, 64)


@rows(
    Row("recv(262144) of 64 B", 5, 8, c="send_recv", heap="cold", bufsize=262144, size=64),
    Row("recv(262144) of 64 B", c="send_recv", heap="warm", bufsize=262144, size=64),
    Row("recv(65536) of 64 B", 1.10, 1.2, c="send_recv", heap="cold", bufsize=65536, size=64),
    Row("recv(65536) of 64 B", 1.10, 1.2, c="send_recv", heap="warm", bufsize=65536, size=64),
    Row("recv(65536) of 60000 B", 0.97, 1.1, c="send_recv", heap="cold", bufsize=65536, size=60000),
    Row("recv(65536) of 60000 B", 0.97, 1.1, c="send_recv", heap="warm", bufsize=65536, size=60000),
    # Freeing the 200,000 B that came warms the heap: this has no cold row.
    Row(
        "recv(262144) of 200000 B",
        0.97,
        1.1,
        c="send_recv",
        heap="warm",
        bufsize=262144,
        size=200000,
    ),
)
def bench_recv_large(socket, bufsize, size):
    """One recv with a large buffer, after one send of what is to come."""
    data = bytes(size)
    with socketpair(socket) as (a, b):
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

        def loop(n):
            for _ in repeat(None, n):
                a.send(data)
                b.recv(bufsize)

        assert a.send(data) == len(b.recv(bufsize)) == size
        yield loop, (a, b, size, bufsize)
