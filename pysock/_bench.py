"""`--bench`: what this package costs on this machine, beside the standard library.

The short form of the suite in benchmarks/, measured in its manner: blocks of about a millisecond,
both sides in every round in random order, and the best block counts, for noise only adds time.
"""

import contextlib
import json
import os
import random
import socket as _stdlib
import statistics
import struct
import sys
import textwrap
import threading
from collections.abc import Callable
from itertools import repeat
from time import perf_counter_ns
from timeit import Timer
from typing import NamedTuple

from . import _install

FULL = (4, 40, 1_000_000)  # times with fresh sockets, rounds each, nanoseconds a block
QUICK = (1, 4, 250_000)
CONTENDED_ROUNDS, CONTENDED_NS = 3, 60_000_000  # each time, at most; a block at least
LEVEL = 0.03  # ratios nearer to 1 than this are not called faster, or slower
WIDTH = 80
LINE = "{:38} {:>9} {:>9.9} {:>7} {:>7}"


@contextlib.contextmanager
def pair(net, timeout):
    a, b = net.socketpair()
    with a, b, b.makefile("rb") as file:
        a.settimeout(timeout)
        b.settimeout(timeout)
        yield {"a": a, "b": b, "file": file, "data": b"x" * 63 + b"\n", "room": bytearray(64)}


@contextlib.contextmanager
def udp(net, timeout):
    a = net.socket(net.AF_INET, net.SOCK_DGRAM)
    b = net.socket(net.AF_INET, net.SOCK_DGRAM)
    with a, b:
        for sock in (a, b):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(timeout)
        yield {"a": a, "b": b, "data": bytes(64), "address": b.getsockname()}


@contextlib.contextmanager
def listener(net, timeout):
    with net.create_server(("127.0.0.1", 0)) as listening:
        # Accepted sockets inherit it: a reset instead of TIME_WAIT, which would use up the ports.
        listening.setsockopt(net.SOL_SOCKET, net.SO_LINGER, struct.pack("ii", 1, 0))
        yield {"listening": listening, "address": listening.getsockname()}


class Row(NamedTuple):
    title: str
    statement: str  # its names: the module's own, and those that `open` gives
    timeout: float | None = None
    open: Callable = pair
    heap: int = 0  # see set_heap
    contended: bool = False


SEND_RECV = "a.send(data); b.recv(64)"
SEND_RECV_LARGE = "a.send(data); b.recv(262144)"
SENDTO_RECVFROM = "a.sendto(data, address); b.recvfrom(64)"
CONNECT = """\
client = socket(AF_INET, SOCK_STREAM)
client.connect(address)
served, _ = listening.accept()
client.close()
served.close()"""
RECV_NOTHING = """\
try:
    b.recv(64)
except BlockingIOError:
    pass"""

ROWS = [
    Row("send+recv 64 B, blocking", SEND_RECV),
    Row("send+recv 64 B, timeout", SEND_RECV, 5.0),
    Row("send+recv 64 B, non-blocking", SEND_RECV, 0.0),
    Row("send+recv_into 64 B, timeout", "a.send(data); b.recv_into(room)", 5.0),
    Row("recv(262144) of 64 B, cold heap", SEND_RECV_LARGE, heap=1 << 17),
    Row("recv(262144) of 64 B, warm heap", SEND_RECV_LARGE, heap=1 << 20),
    Row("recv -> BlockingIOError", RECV_NOTHING, 0.0),
    Row("makefile readline of 64 B, timeout", "a.send(data); file.readline()", 5.0),
    Row("UDP sendto+recvfrom 64 B, blocking", SENDTO_RECVFROM, None, udp),
    Row("UDP sendto+recvfrom 64 B, timeout", SENDTO_RECVFROM, 5.0, udp),
    Row("connect+accept+close+close", CONNECT, None, listener),
    Row("socket()+close()", "socket(AF_INET, SOCK_STREAM).close()"),
    Row("sock.family", "a.family"),
    Row("settimeout to the value it has", "a.settimeout(5.0)", 5.0),
    Row("getaddrinfo, numeric IPv4", "getaddrinfo('192.0.2.17', 80, 0, SOCK_STREAM)"),
    Row("inet_ntoa", r"inet_ntoa(b'\xc0\x00\x02\x11')"),
    Row("send+recv beside 1 computing thread", SEND_RECV, contended=True),
]


def set_heap(nbytes):
    """Have malloc map blocks from *nbytes* on; say whether it can be told (glibc's can).

    A fresh process maps and unmaps every block from 128 KiB on: the cold heap. The first larger one
    that it frees raises that size, and twice as much is kept from then on: the warm heap.
    """
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(-3, nbytes) and mallopt(-1, 2 * nbytes))  # M_MMAP_, M_TRIM_THRESHOLD


def steady(timer, block_ns):
    """Return a function that runs one block and returns the nanoseconds a pass took."""
    n = 1
    while (ns := timer.timeit(n)) < block_ns / 4:
        n *= 2 if ns > block_ns / 64 else 8
    n = max(1, round(n * block_ns / ns))
    return lambda: timer.timeit(n) / n


def contended(timer):
    """The same beside a thread that computes.

    By the clock, not by a count: the loop can be a thousand times slower from one moment to the
    next, depending on who wins the race for the interpreter.
    """
    going = [True]

    def compute():
        while going:
            for _ in repeat(None, 500):
                pass

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    try:
        passes, begin = 0, perf_counter_ns()
        while (ns := perf_counter_ns() - begin) < CONTENDED_NS:
            timer.timeit(8)
            passes += 8
    finally:
        going.clear()
        thread.join()
    return ns / passes


def measure(row, setups, rounds, block_ns, step):
    """Return the row's figures. Where threads race, a lucky block is not the truth: the median."""
    sides = [(_stdlib, []), (sys.modules[__package__], [])]
    for _ in range(setups):
        step(row.title)
        with contextlib.ExitStack() as stack:
            runs = []
            for net, times in sides:
                names = {**vars(net), **stack.enter_context(row.open(net, row.timeout))}
                # Compiled for each side, as the interpreter specializes code for the class it sees.
                timer = Timer(row.statement, timer=perf_counter_ns, globals=names)
                run = (lambda t=timer: contended(t)) if row.contended else steady(timer, block_ns)
                runs.append((run, times))
            for _ in range(min(rounds, CONTENDED_ROUNDS) if row.contended else rounds):
                random.shuffle(runs)
                for run, times in runs:
                    times.append(run())
    figure = statistics.median if row.contended else min
    (stdlib_ns, ours_ns), *halves = (
        [figure(times[part]) for _, times in sides]
        for part in (slice(None), slice(0, None, 2), slice(1, None, 2))
    )
    ratios = [theirs / ours for theirs, ours in halves]
    return {
        "operation": row.title,
        "stdlib_ns": stdlib_ns,
        "package_ns": ours_ns,
        "ratio": stdlib_ns / ours_ns,
        "spread": max(ratios) / min(ratios) - 1,
    }


def on_terminal(stream):
    return stream is not None and stream.isatty()


@contextlib.contextmanager
def progress(steps):
    """Give a function to call before each step: it draws the bar, if there is a terminal for it."""
    steps_done = 0

    def step(title):
        nonlocal steps_done
        bar = "#" * round(30 * steps_done / steps)
        print(f"\r[{bar:30}] {title:38}", end="", file=sys.stderr, flush=True)
        steps_done += 1

    if not on_terminal(sys.stderr):
        yield lambda title: None
        return
    try:
        yield step
    finally:
        print("\r" + " " * 72, end="\r", file=sys.stderr, flush=True)


def duration(ns):
    """Three digits and a unit."""
    unit, size = ("ns", 1.0) if ns < 999.5 else ("us", 1e3) if ns < 999.5e3 else ("ms", 1e6)
    value = ns / size
    return f"{value:.{0 if value >= 99.5 else 1 if value >= 9.95 else 2}f} {unit}"


def render(about, table):
    colours = on_terminal(sys.stdout) and not os.environ.get("NO_COLOR")
    name = about["package"].rpartition(".")[2]
    header = LINE.format("operation", "stdlib", name, "ratio", "spread")
    yield header
    yield "-" * len(header)
    for row in table:
        ratio = f"{row['ratio']:.{2 if row['ratio'] < 99.5 else 0}f}"
        line = LINE.format(
            row["operation"],
            duration(row["stdlib_ns"]),
            duration(row["package_ns"]),
            ratio,
            f"{100 * row['spread']:.0f}%",
        )
        if colours and abs(row["ratio"] - 1) > LEVEL:
            colour = 32 if row["ratio"] > 1 else 31
            before, _, after = line.rpartition(ratio)
            line = f"{before}\x1b[{colour}m{ratio}\x1b[0m{after}"
        yield line
    faster = sum(row["ratio"] > 1 + LEVEL for row in table)
    slower = sum(row["ratio"] < 1 - LEVEL for row in table)
    yield f"\n{faster} rows faster, {slower} slower, {len(table) - faster - slower} within {LEVEL:.0%}."
    yield f"ratio: stdlib / {name}. spread: how far even and odd rounds disagree about it."
    if about["backend"] == "stdlib":
        yield "No extensions are in use: the standard library is behind both columns."
    known = "{package} {version}, backend {backend}, {python}, {system}".format_map(about)
    yield textwrap.fill(known, WIDTH)


def run(about, *, quick=False, as_json=False):
    """Measure, and print. *about* is what is known of the package and the machine."""
    _install.uninstall()  # the column of the standard library is to be the standard library's
    rows = [row for row in ROWS if not row.heap or set_heap(row.heap)]
    setups, rounds, block_ns = QUICK if quick else FULL
    table = []
    with progress(setups * len(rows)) as step:
        for row in rows:
            if row.heap:
                set_heap(row.heap)
            table.append(measure(row, setups, rounds, block_ns, step))
    if as_json:
        print(json.dumps({**about, "quick": quick, "rows": table}, indent=2))
    else:
        print(*render(about, table), sep="\n")
