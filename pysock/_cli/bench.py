"""`--bench`: compare this package with the standard library on this machine.

It is a short form of the suite in benchmarks/ and measures in the same way. It runs short blocks,
and every round has both sides in random order. The fastest block counts, because noise only adds
time. Where threads race, and for whole programs, it is the median.
"""

import contextlib
import json
import random
import socket as _stdlib
import struct
import sys
import textwrap
from functools import partial
from statistics import median
from time import perf_counter_ns
from timeit import Timer
from typing import NamedTuple

from .. import _install
from .._shared import PACKAGE
from . import chart, programs
from .terminal import Progress, painter
from .threads import Computing
from .variants import OURS, SOCKET

FULL = (4, 40, 1_000_000)  # set-ups with fresh sockets, rounds of each, nanoseconds per block
QUICK = (1, 4, 250_000)
FULL_PROGRAM = (5, 0.25)  # rounds, seconds of each variant
QUICK_PROGRAM = (2, 0.05)
CONTENDED_ROUNDS, CONTENDED_NS = 2, 150_000_000  # maximum rounds, minimum ns per block
TOLERANCE = 0.03  # a ratio within 1 +- this counts as equal
OTHER, NOT_INSTALLED = "    {} in its place", "not installed"
LINE = "{:38} {:>8} {:>8.8} {:>7} {:>6}"


class Row(NamedTuple):
    title: str
    statement: str  # its globals: the socket module's names, and those of `sockets`
    timeout: float | None = None
    heap: int = 0  # see `set_heap`
    contended: bool = False


CONNECT = """\
client = socket(AF_INET, SOCK_STREAM); client.connect(listener_address)
served, _ = listener.accept(); client.close(); served.close()"""

ROWS = [
    Row("send+recv 64 B, blocking", "a.send(data); b.recv(64)"),
    Row("send+recv 64 B, timeout", "a.send(data); b.recv(64)", 5.0),
    Row("send+recv 64 B, non-blocking", "a.send(data); b.recv(64)", 0.0),
    Row("send+recv_into 64 B, timeout", "a.send(data); b.recv_into(room)", 5.0),
    Row("recv(262144) of 64 B, cold heap", "a.send(data); b.recv(262144)", heap=1 << 17),
    Row("recv(262144) of 64 B, warm heap", "a.send(data); b.recv(262144)", heap=1 << 20),
    Row("recv -> BlockingIOError", "try: b.recv(64)\nexcept BlockingIOError: pass", 0.0),
    Row("makefile readline of 64 B, timeout", "a.send(data); file.readline()", 5.0),
    Row("UDP sendto+recvfrom 64 B, blocking", "c.sendto(data, d_address); d.recvfrom(64)"),
    Row("UDP sendto+recvfrom 64 B, timeout", "c.sendto(data, d_address); d.recvfrom(64)", 5.0),
    Row("connect+accept+close+close", CONNECT),
    Row("socket()+close()", "socket(AF_INET, SOCK_STREAM).close()"),
    Row("sock.family", "a.family"),
    Row("settimeout to the value it has", "a.settimeout(5.0)", 5.0),
    Row("getaddrinfo, numeric IPv4", "getaddrinfo('192.0.2.17', 80, 0, SOCK_STREAM)"),
    Row("inet_ntoa", r"inet_ntoa(b'\xc0\x00\x02\x11')"),
    Row("send+recv beside 1 computing thread", "a.send(data); b.recv(64)", contended=True),
]


@contextlib.contextmanager
def sockets(net, timeout):
    """Return the objects that the statements use, made by the socket module *net*."""
    with contextlib.ExitStack() as stack:
        a, b = map(stack.enter_context, net.socketpair())
        c, d = (stack.enter_context(net.socket(net.AF_INET, net.SOCK_DGRAM)) for _ in range(2))
        d.bind(("127.0.0.1", 0))
        for sock in (a, b, c, d):
            sock.settimeout(timeout)
        file = stack.enter_context(b.makefile("rb"))
        listener = stack.enter_context(net.create_server(("127.0.0.1", 0)))
        # Accepted sockets inherit it. They close with a reset: TIME_WAIT would use up all ports.
        listener.setsockopt(net.SOL_SOCKET, net.SO_LINGER, struct.pack("ii", 1, 0))
        d_address, listener_address = d.getsockname(), listener.getsockname()
        data, room = b"x" * 63 + b"\n", bytearray(64)
        yield locals()


def set_heap(nbytes):
    """Make malloc use mmap() for blocks of *nbytes* and more. Return whether that is possible.

    Only glibc can. In a fresh process the threshold is 128 KiB, and each such block is mapped and
    unmapped: the cold heap. When a larger block is freed the first time, glibc raises the
    threshold and keeps twice as much memory: the warm heap.
    """
    with contextlib.suppress(ImportError, AttributeError, OSError, TypeError):
        from ctypes import CDLL

        mallopt = CDLL(None).mallopt
        return mallopt(-3, nbytes) and mallopt(-1, 2 * nbytes)  # M_MMAP_, M_TRIM_THRESHOLD


def block_runner(timer, block_ns):
    """Return a function that runs a block and returns the nanoseconds per pass."""
    n = 1
    while (ns := timer.timeit(n)) < block_ns / 4:
        n *= 2 if ns > block_ns / 64 else 8
    n = max(1, round(n * block_ns / ns))
    return lambda: timer.timeit(n) / n


def contended(timer):
    """Run the statement while another thread computes; return the nanoseconds per pass.

    The number of passes depends on the clock: a pass can take a thousand times longer when the
    other thread wins the race for the GIL. A new thread shares the processor of its creator, where
    there is no race yet. So the first part, in which the scheduler moves it, is not counted.
    """

    with Computing():
        for _ in ("settle", "count"):
            passes, begin = 0, perf_counter_ns()
            while (ns := perf_counter_ns() - begin) < CONTENDED_NS:
                timer.timeit(4)
                passes += 4
    return ns / passes


def compared(stdlib, other, figure):
    """Return the figures of two series of times: each one's, their ratio, and its spread."""
    parts = (slice(None), slice(0, None, 2), slice(1, None, 2))
    (ratio, even, odd) = (figure(stdlib[part]) / figure(other[part]) for part in parts)
    return figure(stdlib), figure(other), ratio, max(even, odd) / min(even, odd) - 1


def entry(title, stdlib, package, figure):
    names = ("stdlib_ns", "package_ns", "ratio", "spread")
    return {"operation": title, **dict(zip(names, compared(stdlib, package, figure), strict=True))}


def measure(row, setups, rounds, block_ns):
    """Return the figures of *row*: the minimum, or the median if threads race for the GIL."""
    sides = [(_stdlib, []), (sys.modules[PACKAGE], [])]
    for _ in range(setups):
        with contextlib.ExitStack() as stack:
            runs = []
            for net, times in sides:
                names = {**vars(net), **stack.enter_context(sockets(net, row.timeout))}
                # Compiled for each side: the interpreter specializes code for the classes it sees.
                timer = Timer(row.statement, timer=perf_counter_ns, globals=names)
                run = partial(contended, timer) if row.contended else block_runner(timer, block_ns)
                runs.append((run, times))
            for _ in range(min(rounds, CONTENDED_ROUNDS) if row.contended else rounds):
                random.shuffle(runs)
                for run, times in runs:
                    times.append(run())
    return entry(row.title, *(times for _, times in sides), median if row.contended else min)


def measure_program(row, workers, rounds, seconds):
    """Yield the figures of each line of a whole program, and of other loops in its place."""
    for title, times in programs.measure(row, workers, rounds, seconds):
        stdlib, package = times.pop(SOCKET.name), times.pop(OURS.name)
        line = entry(title, stdlib, package, median)
        if row.of_loop:
            line["others"] = {name: beside(stdlib, other) for name, other in times.items()}
        yield line


def beside(stdlib, other):
    if other is not None:
        _, ns, ratio, spread = compared(stdlib, other, median)
        return {"ns": ns, "ratio": ratio, "spread": spread}


def duration(ns):
    unit, size = ("ns", 1) if ns < 999.5 else ("us", 1e3) if ns < 999.5e3 else ("ms", 1e6)
    return f"{ns / size:#.3g}".rstrip(".") + f" {unit}"


def render(about, table):
    """Yield the lines of the table as text, in 80 columns."""
    name = about["package"].rpartition(".")[2]
    paint = painter(sys.stdout)

    def line(title, stdlib_ns, ns, ratio, spread):
        shown = f"{ratio:7.2f}"
        if abs(ratio - 1) > TOLERANCE:
            shown = paint("green" if ratio > 1 else "red", shown)
        return LINE.format(title, duration(stdlib_ns), duration(ns), shown, f"{spread:.0%}")

    yield paint("bold", LINE.format("operation", "stdlib", name, "ratio", "spread"))
    yield "-" * len(LINE.format(*[""] * 5))
    for row in table:
        stdlib_ns = row["stdlib_ns"]
        yield line(row["operation"], stdlib_ns, row["package_ns"], row["ratio"], row["spread"])
        for other, its in row.get("others", {}).items():
            title = OTHER.format(other)
            if its:
                yield line(title, stdlib_ns, its["ns"], its["ratio"], its["spread"])
            else:
                yield f"{title:38} {NOT_INSTALLED:>17}"
    slower = sum(row["ratio"] < 1 - TOLERANCE for row in table)
    yield f"\nratio: stdlib / {name}; slower by over {TOLERANCE:.0%}: {slower} of {len(table)} rows"
    yield "spread: how far even and odd rounds disagree about the ratio"
    yield "CPU: of the server's process, for an echo"
    if about["backend"] == "stdlib":
        yield "without extensions: the standard library is behind both columns"
    yield textwrap.fill(described(about), 80)


def described(about):
    return "{package} {version}, backend {backend}, {python}, {system}".format_map(about)


def picture(about, table):
    """Return the table as an SVG."""
    name = about["package"].rpartition(".")[2]
    bars = []
    for row in table:
        stdlib = duration(row["stdlib_ns"])
        note = f"{stdlib}, {duration(row['package_ns'])}"
        bars.append(chart.Bar(row["operation"], row["ratio"], note))
        for other, its in row.get("others", {}).items():
            title = f"{row['operation']}: {other}"
            if its:
                note = f"{stdlib}, {duration(its['ns'])}"
                bars.append(chart.Bar(title, its["ratio"], note, other=True))
            else:
                bars.append(chart.Bar(title, None, NOT_INSTALLED))
    subtitle = [
        f"The times of socket and of {name}, and their ratio. The scale is logarithmic. "
        "Blue: another loop in place of asyncio's.",
        described(about),
    ]
    if about["backend"] == "stdlib":
        subtitle.insert(0, "WITHOUT THE EXTENSIONS: the standard library is behind both times.")
    return chart.draw(bars, f"{name}: how many times as fast as socket", subtitle)


def measured(quick):
    """Return the table."""
    table = []
    progress = Progress(len(ROWS) + len(programs.ROWS), sys.stderr)
    try:
        for done, row in enumerate(ROWS):
            progress.show(done, row.title)
            if not row.heap or set_heap(row.heap):
                table.append(measure(row, *(QUICK if quick else FULL)))
        with programs.started() as workers:
            for done, row in enumerate(programs.ROWS, len(ROWS)):
                progress.show(done, next(iter(row.lines)))
                how_long = QUICK_PROGRAM if quick else FULL_PROGRAM
                table.extend(measure_program(row, workers, *how_long))
    finally:
        progress.clear()
    return table


def run(about, *, quick=False, as_json=False, draw=None):
    """Measure and print. *about* describes the package and the machine. *draw* gets an SVG."""
    _install.uninstall()  # otherwise the column of the standard library would measure this package
    table = measured(quick)
    as_text = json.dumps({**about, "quick": quick, "rows": table}, indent=2)
    try:
        print(*[as_text] if as_json else render(about, table), sep="\n")
    finally:  # one of the two may fail
        if draw:
            draw(picture(about, table))
