"""Numeric hosts, and addresses between text and bytes: no resolver is ever asked."""

from itertools import repeat
from socket import AF_INET, AF_INET6

from harness.row import Row, rows

V4, V6 = "192.0.2.17", "2001:db8::1:17"


@rows(
    Row("getaddrinfo, numeric IPv4", 4, 8, c="numeric_getaddrinfo", host=V4),
    Row("getaddrinfo, numeric IPv6", 4, 8, c="numeric_getaddrinfo", host=V6),
)
def bench_getaddrinfo(socket, host):
    """As create_connection asks."""

    def loop(n):
        for _ in repeat(None, n):
            socket.getaddrinfo(host, 80, 0, socket.SOCK_STREAM)

    yield loop, (host,)


@rows(Row("gethostbyname, numeric", 1.5, 4, c="numeric_gethostbyname"))
def bench_gethostbyname(socket):
    def loop(n):
        for _ in repeat(None, n):
            socket.gethostbyname(V4)

    yield loop, (V4,)


@rows(Row("inet_aton", 0.97, 1.1, c="many_inet_aton"))
def bench_inet_aton(socket):
    def loop(n):
        for _ in repeat(None, n):
            socket.inet_aton(V4)

    yield loop, (V4,)


@rows(Row("inet_ntoa", 0.97, 1.1, c="many_inet_ntoa"))
def bench_inet_ntoa(socket):
    packed = socket.inet_aton(V4)

    def loop(n):
        for _ in repeat(None, n):
            socket.inet_ntoa(packed)

    yield loop, (V4,)


@rows(
    Row("inet_pton, IPv4", 0.97, 1.1, c="many_inet_pton", family=AF_INET, host=V4),
    Row("inet_pton, IPv6", 0.97, 1.1, c="many_inet_pton", family=AF_INET6, host=V6),
)
def bench_inet_pton(socket, family, host):
    def loop(n):
        for _ in repeat(None, n):
            socket.inet_pton(family, host)

    yield loop, (family, host)


@rows(
    Row("inet_ntop, IPv4", 0.97, 1.1, c="many_inet_ntop", family=AF_INET, host=V4),
    Row("inet_ntop, IPv6", 0.97, 1.1, c="many_inet_ntop", family=AF_INET6, host=V6),
)
def bench_inet_ntop(socket, family, host):
    packed = socket.inet_pton(family, host)

    def loop(n):
        for _ in repeat(None, n):
            socket.inet_ntop(family, packed)

    yield loop, (family, host)


@rows(Row("htons", 0.97, 1.1))
def bench_htons(socket):
    def loop(n):
        for _ in repeat(None, n):
            socket.htons(8080)

    yield loop, ()
