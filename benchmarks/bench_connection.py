"""Sockets and connections made and ended, and what is asked of a socket on the way."""

import struct
from itertools import repeat

from harness.row import CHILD, Row, rows


@rows(Row("connect+accept+close+close", 1.06, 1.10, c="connect_accept_close", where=CHILD))
def bench_connect_accept(socket):
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        # Accepted sockets inherit this: a reset instead of TIME_WAIT, which would use up ports.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        address = listener.getsockname()

        def loop(n):
            for _ in repeat(None, n):
                client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                client.connect(address)
                served, _ = listener.accept()
                client.close()
                served.close()

        yield loop, (listener, address[1])


CALLS = {"c": "connect_accept_close", "where": CHILD}


@rows(
    Row("create_connection+accept+close+close", 1.0, 1.2, **CALLS),
    Row("create_connection, happy eyeballs", 1.0, 1.1, **CALLS, happy_eyeballs_delay=0.25),
    Row("create_connection, one deadline", 1.0, 1.1, **CALLS, total_timeout=5),
)
def bench_create_connection(socket, **options):
    """What the options cost when all is well, beside the standard library, which has none."""
    if not hasattr(socket, "reuse_port_listeners"):
        options = {}
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        address = listener.getsockname()

        def loop(n):
            for _ in repeat(None, n):
                client = socket.create_connection(address, 5, **options)
                served, _ = listener.accept()
                client.close()
                served.close()

        yield loop, (listener, address[1])


@rows(Row("socket()+close()", 1.05, 1.15, c="socket_close", where=CHILD))
def bench_socket_close(socket):
    def loop(n):
        for _ in repeat(None, n):
            socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()

    yield loop, ()


@rows(Row("sock.family", 8, 15, where=CHILD))
def bench_family(socket):
    with socket.socket() as sock:

        def loop(n):
            for _ in repeat(None, n):
                sock.family  # noqa: B018

        yield loop, ()


@rows(Row("sock.type", 8, 15, where=CHILD))
def bench_type(socket):
    with socket.socket() as sock:

        def loop(n):
            for _ in repeat(None, n):
                sock.type  # noqa: B018

        yield loop, ()


@rows(
    Row("settimeout to the value it has", 1.0, 1.5, timeout=5.0),
    Row("settimeout(None) when it is None", timeout=None),
)
def bench_settimeout(socket, timeout):
    with socket.socket() as sock:
        sock.settimeout(timeout)

        def loop(n):
            for _ in repeat(None, n):
                sock.settimeout(timeout)

        yield loop, ()


@rows(Row("recv -> BlockingIOError", 1.0, 1.5, c="recv_nothing"))
def bench_blocking_io_error(socket):
    a, b = socket.socketpair()
    with a, b:
        b.setblocking(False)

        def loop(n):
            for _ in repeat(None, n):
                try:
                    b.recv(64)
                except BlockingIOError:
                    pass

        yield loop, (b,)
