"""Connected streams, signals and odd objects for the tests of whole transfers."""

import contextlib
import fcntl
import gc
import math
import os
import re
import signal
import socket
import ssl
import struct
import termios
import threading

import pytest
import trustme

# The fallback's own code, and what of the shared code counts the bytes of a call.
IN_THE_FALLBACK = re.compile(
    r"_fallback/|_shared/(arguments|deadline|progress|loops/(?!overridden))"
)
TICK = 0.002  # s between two signals
TESTS = os.path.dirname(os.path.dirname(__file__))


@contextlib.contextmanager
def stream(net, kind="unix", *, small=False):
    """Two connected sockets; *small* ones hold some thousand bytes."""
    if kind == "unix":
        a, b = net.socketpair()
    else:
        family = net.AF_INET6 if kind == "tcp6" else net.AF_INET
        with net.create_server(("::1" if kind == "tcp6" else "127.0.0.1", 0), family=family) as s:
            if small:
                s.setsockopt(net.SOL_SOCKET, net.SO_RCVBUF, 4096)
            a = net.socket(family)
            a.connect(s.getsockname()[:2])
            b, _ = s.accept()
        a.setsockopt(net.IPPROTO_TCP, net.TCP_NODELAY, 1)
        b.setsockopt(net.IPPROTO_TCP, net.TCP_NODELAY, 1)
    with a, b:
        if small:
            for sock in (a, b):
                sock.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        yield a, b


def waiting(sock):
    """How many bytes could be received now."""
    return struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)))[0]


def deliver(sender, receiver, data):
    """Send *data*, and see it arrive: on TCP that may take a moment."""
    wanted = waiting(receiver) + len(data)
    socket.socket.sendall(sender, data)
    while waiting(receiver) < wanted:
        os.sched_yield()


def reset(sock):
    """Close *sock* so that the peer gets ECONNRESET; of AF_UNIX, that takes unread data."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.contextmanager
def alarms(handler, tick=TICK):
    """Run *handler* every *tick* seconds.

    Never during itself, and only between the lines of a test or of the fallback: what is raised in
    a callback of the garbage collector's, or of a weak reference's, would go nowhere.
    """
    running = False

    def run(number, frame):
        nonlocal running
        where = frame.f_code.co_filename
        if running or not (where.startswith(TESTS) or IN_THE_FALLBACK.search(where)):
            return
        running = True
        try:
            handler()
        finally:
            running = False

    before = signal.signal(signal.SIGALRM, run)
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, tick, tick)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()
        signal.signal(signal.SIGALRM, before)


def exactly(sock, n, **patience):
    return sock.recv_exactly(n, **patience)


def into(sock, n, **patience):
    """As `exactly`, by recv_exactly_into; an exception gets the same `partial`."""
    room = bytearray(n)
    try:
        assert sock.recv_exactly_into(room, **patience) == n
    except BaseException as error:
        if hasattr(error, "bytes_received"):  # else a signal came before the call
            error.partial = bytes(room[: error.bytes_received])
            assert not any(room[error.bytes_received :])
        raise
    return bytes(room)


WAYS = {"exactly": exactly, "into": into}


def partial_of(error, receive, sock, n, **patience):
    """What the exception brings."""
    with pytest.raises(error) as caught:
        receive(sock, n, **patience)
    return getattr(caught.value, "partial", b"")


@contextlib.contextmanager
def drained(sock, after=0.0, until=lambda: math.inf):
    """Receive in a thread until the other side shuts down; yields what has come.

    *until* says, and may wait before it does, how many bytes of all there are to be taken.
    """
    came = bytearray()

    def drain():
        most = until()
        while True:
            while len(came) >= most:
                most = until()
            piece = socket.socket.recv(sock, min(65536, most - len(came)))
            if not piece:
                return
            came.extend(piece)

    thread = threading.Timer(after, drain)
    thread.start()
    try:
        yield came
    except BaseException:
        sock.shutdown(socket.SHUT_RDWR)
        raise
    finally:
        thread.join()


class Refusing(Exception):
    """Takes no attribute, and has no place for those that tell how far a call came."""

    partial = bytes_sent = property()

    def __setattr__(self, name, value):
        if not name.startswith("__"):
            raise AttributeError(name)
        super().__setattr__(name, value)


class Strict(Exception):
    """Lets its own code set no attribute."""

    def __setattr__(self, name, value):
        if not name.startswith("__"):
            raise ZeroDivisionError
        super().__setattr__(name, value)


def flipped(net):
    """A class of sockets whose bytes are flipped on the way, both ways, as TLS would do it."""

    def flip(data):
        return bytes(255 - x for x in bytes(data))

    class Flipped(net.socket):
        def recv(self, bufsize, flags=0):
            return flip(super().recv(min(bufsize, 1000), flags))

        def recv_into(self, buffer, nbytes=0, flags=0):
            data = self.recv(nbytes or len(buffer), flags)
            buffer[: len(data)] = data
            return len(data)

        def send(self, data, flags=0):
            return super().send(flip(data[:1000]), flags)

    return Flipped


@contextlib.contextmanager
def tls(net):
    """A TLS connection: of a class on pysock's, as `install()` makes it, and of the usual one."""

    class SSLSocket(ssl.SSLSocket, net.socket):
        pass

    authority = trustme.CA()
    client, server = (
        ssl.create_default_context(),
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
    )
    authority.configure_trust(client)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client.sslsocket_class = SSLSocket
    made = []
    with stream(net, "tcp4") as (a, b):
        thread = threading.Thread(
            target=lambda: made.append(server.wrap_socket(socket.socket(fileno=b.detach()), True))
        )
        thread.start()
        ours = client.wrap_socket(a, server_hostname="127.0.0.1")
        thread.join()
        with ours, made[0]:
            yield ours, made[0]
