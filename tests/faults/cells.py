"""One process, one leg, every cell: `python cells.py c|fallback|socket`, under the shim.

Prints a line of JSON for each cell, and its name before it, so that a crash has one.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import socket as stdlib
import struct
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import conftest  # noqa: E402
import operations  # noqa: E402
from operations import (  # noqa: E402
    BYTES,
    DATAGRAM_IN,
    DATAGRAM_OUT,
    STREAM_IN,
    STREAM_OUT,
    open_descriptors,
)

shim = ctypes.CDLL(None)
net = conftest.load(sys.argv[1])
if sys.argv[1] != "socket":
    operations.add_extended(net)

ERRORS = [
    errno.EINTR,
    errno.EAGAIN,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EIO,
    errno.EPERM,
    errno.ECONNRESET,
    errno.EPIPE,
]
MODES = {"blocking": None, "timeout": 10}
MUCH = bytes(range(251)) * 400  # about 100 KB


def report(*cell, **said):
    print(json.dumps({"cell": cell, **said}), flush=True)


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


# A system call fails


def failing_calls():
    for mode, timeout in MODES.items():
        for error in ERRORS:
            for at in (1, 2, 3):
                cell = [mode, errno.errorcode[error], at]
                for kind, pair, table in (
                    ("stream", stream_pair, STREAM_IN),
                    ("datagram", datagram_pair, DATAGRAM_IN),
                ):
                    for name, call in table.items():
                        start("failing call", kind, name, *cell)
                        with pair() as (a, b):
                            stdlib.socket.send(a, BYTES)
                            b.settimeout(timeout)
                            shim.shim_fail(b"recv", error, at, 1)
                            result, got = outcome(lambda call=call, b=b: call(b))
                            shim.shim_clear()
                            whole = (got or b"") + drain(b)
                        finish(result=result, whole=whole == BYTES)
                for kind, pair, table in (
                    ("stream", stream_pair, STREAM_OUT),
                    ("datagram", datagram_pair, DATAGRAM_OUT),
                ):
                    for name, call in table.items():
                        start("failing call", kind, name, *cell)
                        with pair() as (a, b):
                            a.settimeout(timeout)
                            shim.shim_fail(b"send", error, at, 1)
                            result, n = outcome(lambda call=call, a=a: call(a, BYTES))
                            shim.shim_clear()
                            if name == "sendmmsg" and n is not None:
                                n *= len(BYTES)
                            got = drain(b)
                        finish(result=result, whole=sent_as_said(result, n, BYTES, got))


MAKERS = {
    "socket": lambda: net.socket().close(),
    "socketpair": lambda: [sock.close() for sock in net.socketpair()],
    "accept": lambda: accept_one(),
    "create_connection": lambda: connect_one(),
}


def accept_one(before=lambda: None):
    with net.create_server(("127.0.0.1", 0)) as listener:
        with stdlib.create_connection(listener.getsockname()):
            listener.settimeout(5)
            before()
            sock, _ = listener.accept()
            sock.close()


def connect_one():
    with stdlib.create_server(("127.0.0.1", 0)) as listener:
        net.create_connection(listener.getsockname(), 5).close()


def failing_makers():
    for group in ("make", "connect", "other", "wait"):
        for name, call in MAKERS.items():
            for error in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINTR):
                for at in (1, 2, 3):
                    start("failing maker", group, name, errno.errorcode[error], at)
                    shim.shim_fail(group.encode(), error, at, 1)
                    result, _ = outcome(call)
                    shim.shim_clear()
                    finish(result=result)


def no_more_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for free in (0, 1, 2):
        for name, call in MAKERS.items():
            start("no more descriptors", name, free)

            def limited(call=call, free=free):
                taken = []
                try:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (open_descriptors() + 20, hard))
                    with contextlib.suppress(OSError):
                        while True:
                            taken.append(os.dup(0))
                    for _ in range(free + (2 if call is MAKERS["accept"] else 0)):
                        os.close(taken.pop())
                    call()
                finally:
                    for fd in taken:
                        os.close(fd)
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

            result, _ = outcome(limited)
            finish(result=result)


# Signals


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


def signals():
    for mode, timeout in MODES.items():
        for kind, pair, table in (
            ("stream", stream_pair, STREAM_IN),
            ("datagram", datagram_pair, DATAGRAM_IN),
        ):
            for name, call in table.items():
                start("storm of signals", kind, name, mode)
                with pair() as (a, b), alarms(lambda *_: None, 0.001, 0.001):
                    b.settimeout(timeout)
                    timer = threading.Timer(0.05, stdlib.socket.send, [a, BYTES])
                    timer.start()
                    result, got = outcome(lambda call=call, b=b: call(b))
                    timer.join()
                    whole = (got or b"") + drain(b)
                finish(result=result, whole=whole == BYTES)
                start("handler that raises", kind, name, mode)
                with pair() as (a, b):
                    b.settimeout(timeout)
                    with alarms(break_off, 0.02):
                        result, got = outcome(lambda call=call, b=b: call(b))
                    stdlib.socket.send(a, BYTES)
                    whole = (got or b"") + drain(b)
                finish(result=result, whole=whole == BYTES)
        for name, call in STREAM_OUT.items():
            for what, handler, first, interval in (
                ("storm of signals", lambda *_: None, 0.001, 0.001),
                ("handler that raises", break_off, 0.01, 0),
            ):
                start(what, "stream out", name, mode)
                with stream_pair() as (a, b):
                    a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
                    a.settimeout(timeout)
                    reader = Reader(b)
                    with alarms(handler, first, interval):
                        result, n = outcome(lambda call=call, a=a: call(a, MUCH))
                    a.shutdown(net.SHUT_WR)
                    reader.join()
                # A send that a signal breaks off says how much went out, not that it is over.
                right = sent_as_said(result, n, MUCH, bytes(reader.got))
                finish(result=result, whole=right, racy=what == "handler that raises")


# Peers, other threads, small buffers, the date


def short_writes():
    for mode, timeout in MODES.items():
        for name, call in STREAM_OUT.items():
            for most in (1, 7, 4096):
                start("short writes", name, mode, most)
                data = MUCH[: most * 10]
                with stream_pair() as (a, b):
                    a.settimeout(timeout)
                    shim.shim_short(ctypes.c_size_t(most))
                    result, n = outcome(lambda call=call, a=a, data=data: call(a, data))
                    shim.shim_clear()
                    got = drain(b)
                finish(result=result, whole=sent_as_said(result, n, data, got))
            for size in (5000, 16_000, len(MUCH)):
                start("small buffer", name, mode, size)
                with stream_pair() as (a, b):
                    a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
                    a.settimeout(timeout)
                    reader = Reader(b)
                    result, n = outcome(lambda call=call, a=a, size=size: call(a, MUCH[:size]))
                    a.shutdown(net.SHUT_WR)
                    reader.join()
                right = sent_as_said(result, n, MUCH[:size], bytes(reader.got))
                finish(result=result, whole=right)


def peers():
    reset = struct.pack("ii", 1, 0)
    for mode, timeout in MODES.items():
        for name, call in STREAM_IN.items():
            start("half close", name, mode)
            with tcp_pair() as (a, b):
                a.shutdown(net.SHUT_WR)
                b.settimeout(timeout)
                result, got = outcome(lambda call=call, b=b: call(b))
            finish(result=result, whole=not got)
            start("reset", "in", name, mode)
            with tcp_pair() as (a, b):
                a.setsockopt(net.SOL_SOCKET, net.SO_LINGER, reset)
                a.close()
                b.settimeout(timeout)
                result, got = outcome(lambda call=call, b=b: call(b))
            finish(result=result, whole=not got)
        for name, call in STREAM_OUT.items():
            start("reset", "out", name, mode)
            with tcp_pair() as (a, b):
                b.setsockopt(net.SOL_SOCKET, net.SO_LINGER, reset)
                b.close()
                a.settimeout(timeout)
                result, _ = outcome(lambda call=call, a=a: call(a, MUCH))
            finish(result=result)
            start("closed by the peer", name, mode)
            with stream_pair() as (a, b):
                b.close()
                a.settimeout(timeout)
                result, _ = outcome(lambda call=call, a=a: call(a, BYTES))
            finish(result=result)


def other_threads():
    for name, call in STREAM_IN.items():
        if "file" in name:
            continue  # a file keeps its socket open
        start("closed by another thread", name)
        with stream_pair() as (a, b):
            b.settimeout(0.2)
            closer = threading.Timer(0.03, b.close)
            closer.start()
            result, _ = outcome(lambda call=call, b=b: call(b))
            closer.join()
        finish(result=result)
        start("descriptor reused by another thread", name)
        with stream_pair() as (a, b), stream_pair() as (c, d):
            b.settimeout(0.2)
            c.sendall(BYTES)
            fd = b.fileno()

            def reuse(b=b, d=d, fd=fd):
                b.close()
                os.dup2(d.fileno(), fd)

            thief = threading.Timer(0.03, reuse)
            thief.start()
            result, _ = outcome(lambda call=call, b=b: call(b))
            thief.join()
            os.close(fd)
            whole = drain(d) == BYTES
        finish(result=result, whole=whole)


def clock_that_jumps():
    for name, call in STREAM_IN.items():
        start("clock that jumps", name)
        shim.shim_clock(ctypes.c_long(100_000))
        with stream_pair() as (a, b):
            b.settimeout(0.05)
            begun = time.monotonic()
            result, _ = outcome(lambda call=call, b=b: call(b))
            spent = time.monotonic() - begun
        shim.shim_clock(ctypes.c_long(0))
        finish(result=result, whole=0.05 <= spent < 5)


FROM_SOCKET = ("recv", "recv of much", "recv_into", "recvfrom", "recvmsg", "recvmsg_into", "send")


def no_memory():
    """Each allocation of a call fails in turn: MemoryError or none, and nothing is left open."""
    try:
        from _testcapi import remove_mem_hooks, set_nomemory
    except ImportError:
        return
    calls = {f"in, {name}": (call, True) for name, call in STREAM_IN.items() if "file" not in name}
    calls |= {
        f"out, {name}": (call, False) for name, call in STREAM_OUT.items() if "file" not in name
    }
    if net.socket.__module__ != "socket" and net.BACKEND == "stdlib":
        # The loops are Python code: what an interpreter does without memory is its affair.
        calls = {name: call for name, call in calls.items() if name.split(", ")[1] in FROM_SOCKET}
    for name, (call, is_in) in calls.items():
        seen = set()
        start("no memory", name)
        for at in range(40):
            with stream_pair() as (a, b):
                stdlib.socket.send(a, BYTES)
                set_nomemory(at, at + 1)
                try:
                    call(b) if is_in else call(a, BYTES)
                    seen.add("ok")
                except MemoryError:
                    seen.add("MemoryError")
                finally:
                    remove_mem_hooks()
        finish(result="ok", whole=seen <= {"ok", "MemoryError"} and "ok" in seen)
    for name, call in MAKERS.items():
        start("no memory", name)
        seen = set()
        for at in range(0, 150, 1):
            set_nomemory(at, at + 1)
            try:
                call()
                seen.add("ok")
            except MemoryError:
                seen.add("MemoryError")
            except OSError as error:  # gaierror, of the C library's own MemoryError
                seen.add(type(error).__name__)
            finally:
                remove_mem_hooks()
        finish(result="ok", whole="ok" in seen)


running = None
inside = False  # of the call that is to be broken off


def start(*cell):
    global running
    running = cell, open_descriptors()
    print(json.dumps({"start": cell}), flush=True)


def finish(**said):
    cell, before = running
    report(*cell, **said, leaked=open_descriptors() - before)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for part in (
        failing_calls,
        failing_makers,
        no_more_descriptors,
        signals,
        short_writes,
        peers,
        other_threads,
        clock_that_jumps,
        no_memory,
    ):
        part()


if __name__ == "__main__":
    main()
