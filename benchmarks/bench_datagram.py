"""UDP on loopback, one datagram by one system call, each with its address."""

from itertools import repeat

from harness.row import Row, rows


@rows(
    Row("UDP sendto+recvfrom 64 B, blocking", 1.15, 1.3, c="sendto_recvfrom"),
    Row("UDP sendto+recvfrom 64 B, timeout", 1.45, 1.7, c="sendto_recvfrom", timeout=5.0),
)
def bench_sendto_recvfrom(socket, timeout=None):
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with a, b:
        for sock in (a, b):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(timeout)
        data, address = bytes(64), b.getsockname()

        def loop(n):
            for _ in repeat(None, n):
                a.sendto(data, address)
                b.recvfrom(64)

        yield loop, (a, b, address[1], 64)
