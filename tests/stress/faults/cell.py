"""What a cell is made of: connected sockets, a call, what came of it and what was left open."""

import contextlib
import ctypes
import json
import signal
import socket as stdlib
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
import operations  # noqa: E402
from operations import open_descriptors  # noqa: E402
from support.legs import load  # noqa: E402

shim = ctypes.CDLL(None)
net = load(sys.argv[1])
if sys.argv[1] != "socket":
    operations.add_extended(net)

MODES = {"blocking": None, "timeout": 10}
MUCH = bytes(range(251)) * 400  # about 100 KB
running = None
inside = False  # of the call that is to be broken off


def start(*cell):
    global running
    running = cell, open_descriptors()
    print(json.dumps({"start": cell}), flush=True)


def finish(**said):
    cell, before = running
    print(json.dumps({"cell": cell, **said, "leaked": open_descriptors() - before}), flush=True)


def outcome(call):
    """("ok", what it returned), or (the exception's class, None)."""
    global inside
    try:
        inside = True
        returned = call()
        inside = False
        return "ok", returned
    except Exception as error:
        shim.shim_clear()
        return type(error).__name__, None
    finally:
        inside = False


def drain(sock):
    """What there is, read behind the back of whatever class *sock* has."""
    got = bytearray()
    stdlib.socket.setblocking(sock, False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        while piece := stdlib.socket.recv(sock, 65536):
            got += piece
    return bytes(got)


@contextlib.contextmanager
def stream_pair():
    a, b = net.socketpair()
    with a, b:
        yield a, b


@contextlib.contextmanager
def tcp_pair():
    with net.create_server(("127.0.0.1", 0)) as listener:
        a = net.create_connection(listener.getsockname())
        b, _ = listener.accept()
    with a, b:
        yield a, b


@contextlib.contextmanager
def datagram_pair():
    a, b = (net.socket(net.AF_INET, net.SOCK_DGRAM) for _ in range(2))
    with a, b:
        a.bind(("127.0.0.1", 0))
        b.bind(("127.0.0.1", 0))
        a.connect(b.getsockname())
        b.connect(a.getsockname())
        yield a, b


class Reader(threading.Thread):
    """Takes what comes at *sock*, slowly at first, until the end."""

    def __init__(self, sock):
        super().__init__()
        self.sock, self.got = sock, bytearray()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while piece := stdlib.socket.recv(self.sock, 3000):
                self.got += piece
                if len(self.got) < 30_000:
                    time.sleep(0.001)


def sent_as_said(result, sent, data, got):
    """Was what arrived what the call said it sent, or after an error the beginning of it?"""
    if result != "ok":
        return data.startswith(got)
    return got == data[: len(data) if sent is None else sent]


@contextlib.contextmanager
def alarms(handler, first, interval=0):
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, first, interval)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Broken(Exception):
    pass


def break_off(*_):
    if inside:
        raise Broken
