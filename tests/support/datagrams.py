"""Sockets and counting for the tests of the batch calls."""

import contextlib
import ctypes
import os
import select
import socket

SO_NO_CHECK = 11  # asm-generic/socket.h: no UDP checksum, with which no kernel does GSO
CLONE_NEWNET = 0x40000000


def datagrams(sizes):
    """Datagrams of these sizes, no two alike."""
    return [
        bytes([(7 * i + j) % 256 for j in range(min(n, 64))]) + bytes(max(0, n - 64))
        for i, n in enumerate(sizes)
    ]


@contextlib.contextmanager
def udp(net, family=socket.AF_INET, *, gro=False, connected=False, timeout=5.0):
    """A sender and a receiver on loopback, with room for everything a test sends."""
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    a, b = net.socket(family, net.SOCK_DGRAM), net.socket(family, net.SOCK_DGRAM)
    with a, b:
        for sock in (a, b):
            sock.bind((host, 0))
            sock.settimeout(timeout)
            for option in (net.SO_RCVBUFFORCE, net.SO_RCVBUF, net.SO_SNDBUF):
                with contextlib.suppress(PermissionError):
                    sock.setsockopt(net.SOL_SOCKET, option, 1 << 23)
        b.set_gro(gro)
        if connected:
            a.connect(b.getsockname())
        yield a, b


def unix_pair(net, folder):
    """Two datagram sockets with names in *folder*, connected to each other."""
    a, b = (net.socket(net.AF_UNIX, net.SOCK_DGRAM) for _ in range(2))
    a.bind(os.fspath(folder / "a"))
    b.bind(os.fspath(folder / "b"))
    a.connect(os.fspath(folder / "b"))
    b.connect(os.fspath(folder / "a"))
    return a, b


def fill(sock):
    """Send until there is no more room, and leave *sock* non-blocking."""
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(b"fill")


def is_readable(sock):
    return bool(select.select([sock], [], [], 0)[0])


def drain(sock):
    """Every datagram that is there, one by one, by the standard library."""
    came = []
    while is_readable(sock):
        came.append(socket.socket.recvfrom(sock, 65535))
    return came


def drain_batches(sock, most=1000, bufsize=65535):
    came = []
    while is_readable(sock):
        came += sock.recvmmsg(most, bufsize)
    return came


@contextlib.contextmanager
def network_namespace():
    """This thread in a network of its own; PermissionError where the system allows none."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "unshare")
        try:
            yield
        finally:
            assert libc.setns(before, CLONE_NEWNET) == 0
    finally:
        os.close(before)
