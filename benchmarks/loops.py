"""What a request costs a server on an event loop: asyncio's, pysock's, uvloop's, and epoll in C.

    python benchmarks/loops.py [--rounds N] [--quick] [--json FILE] [WORD ...]   by word

The figure is the CPU time of the server's process for a request, in microseconds, system calls
included; in rows of a client that of the client's process. The clients of servers are in C. Rows
of memory are in bytes. In a round each loop serves in turn; a ratio is the median over the rounds
of the two figures of one round. Under 1.00 pysock's loop is the cheaper one.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import resource
import shutil
import socket
import statistics
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import cloops
from harness.programs import PROGRAMS, Process
from harness.servers import redis_server
from harness.variants import PYSOCK

LOOPS = ["asyncio", "installed", "pysock", "uvloop"]
PACKAGES = ["uvloop", "aiofastnet"]  # loops that may not be installed
REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
BODY = 256  # bytes of an answer of programs/loop_server.py
MANY = 10_000  # connections
DESCRIPTORS = 200  # that a process has beside those of MANY

Load = Callable[[int], object]


def echo(connections: int):
    def connect(port: int, stack: ExitStack) -> Load:
        return cloops.bind("echo_load", connected(port, connections, stack), connections, 64)

    return connect


def requests(connections: int):
    def connect(port: int, stack: ExitStack) -> Load:
        answer = size_of_answer(port)
        fds = connected(port, connections, stack)
        return cloops.bind("request_load", fds, connections, REQUEST, answer)

    return connect


def size_of_answer(port: int) -> int:
    """The bytes of the head and the body. Each answer of a server has as many."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(REQUEST.encode())
        answer = b""
        while len(answer.partition(b"\r\n\r\n")[2]) < BODY:
            answer += sock.recv(65536)
    return len(answer)


def datagrams(peers: int, in_flight: int):
    def connect(port: int, stack: ExitStack) -> Load:
        fds = connected(port, peers, stack, socket.SOCK_DGRAM)
        return cloops.bind("datagram_load", fds, peers, 64, in_flight)

    return connect


def connections(at_once: int):
    def connect(port: int, stack: ExitStack) -> Load:
        return cloops.bind("connection_load", port, 64, at_once)

    return connect


def connected(port: int, count: int, stack: ExitStack, type: int = socket.SOCK_STREAM):
    socks = []
    for _ in range(count):
        socks.append(stack.enter_context(socket.socket(type=type)))
        socks[-1].connect(("127.0.0.1", port))
    return (ctypes.c_int * count)(*(sock.fileno() for sock in socks))


class Row(NamedTuple):
    server: str  # a kind that the program knows
    connect: Callable[[int, ExitStack], Load] | None  # None: the program is the client
    requests: int  # of a round
    has_c: bool = False
    packages: tuple[str, ...] = ()
    program: str = "loop_server.py"
    arguments: tuple[str, ...] = ()
    peer: Callable[[], AbstractContextManager[int]] | None = None  # it talks to the port of it
    idle: int = 0  # connections beside those of the load: so many that each loop runs by itself
    memory: bool = False  # the bytes of an idle connection, in place of CPU time

    def missing(self) -> str:
        """What the machine lacks for it."""
        if self.peer is not None and not shutil.which("redis-server"):
            return "redis-server is not installed"
        if lacking := [each for each in self.packages if not importlib.util.find_spec(each)]:
            return f"{', '.join(lacking)} not installed"
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and limit < self.idle + DESCRIPTORS:
            return f"ulimit -n is {limit}: {self.idle} connections need more"
        return ""


ROWS = {
    "protocols, 100 connections x 64 B": Row("protocols", echo(100), 30_000, True),
    "protocols, 10 connections": Row("protocols", echo(10), 20_000, True),
    "protocols, 1 connection": Row("protocols", echo(1), 8_000, True),
    "streams, 100 connections x 64 B": Row("streams", echo(100), 20_000, True),
    "streams, 1 connection": Row("streams", echo(1), 6_000, True),
    "sock_recv and sock_sendall, 100 connections": Row("sock", echo(100), 15_000, True),
    "HTTP on streams, 64 connections": Row("http", requests(64), 15_000),
    "uvicorn and httptools, 64 connections": Row(
        "uvicorn", requests(64), 6_000, packages=("uvicorn", "httptools")
    ),
    "aiohttp, 64 connections": Row("aiohttp", requests(64), 5_000, packages=("aiohttp",)),
    "UDP, 4 peers, 16 in flight": Row("datagrams", datagrams(4, 16), 20_000),
    "UDP, 1 peer, 32 in flight": Row("datagrams", datagrams(1, 32), 20_000),
    "connect, one request, close; 32 at a time": Row("protocols", connections(32), 4_000),
    "redis.asyncio GET, a pool of 16; the client's CPU": Row(
        "plain",
        None,
        4_000,
        packages=("redis",),
        program="redis_asyncio_get.py",
        peer=redis_server,
    ),
    "protocols, 100 connections beside 10,000 idle": Row(
        "protocols", echo(100), 30_000, True, idle=MANY
    ),
    "memory of an idle connection of 10,000, in bytes": Row(
        "protocols",
        echo(100),
        100,
        idle=MANY,
        memory=True,  # the server in C keeps none
    ),
}


class Server:
    """A process on one of the loops, with its clients' connections if it serves."""

    def __init__(self, row: Row, loop: str, stack: ExitStack, peer: int | None = None) -> None:
        if loop == "C":
            command = [sys.executable, str(PROGRAMS / "c_echo.py")]
        else:
            command = [
                sys.executable,
                str(PROGRAMS / row.program),
                row.server,
                loop,
                *row.arguments,
                *([] if peer is None else [str(peer)]),
            ]
        self.process = stack.enter_context(Process(command, PYSOCK, serves=True))
        said = self.process.readline()
        self.port = 0 if row.connect is None else int(said)
        self.load = row.connect(self.port, stack) if row.connect else self.process.ask

    def cost(self, n: int) -> float:
        """Microseconds of CPU for each of *n* requests."""
        before = self.process.cpu_ns()
        self.load(n)
        return (self.process.cpu_ns() - before) / n / 1000

    def resident(self) -> int:
        """The bytes of memory that its process has."""
        pages = Path(f"/proc/{self.process.popen.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def alone(row: Row, loop: str, n: int, idle: int) -> float:
    """The figure of a loop beside *idle* connections. Its process and connections end with it."""
    with ExitStack() as stack:
        server = Server(row, loop, stack)
        server.cost(n)
        before = server.resident()
        connected(server.port, idle, stack)
        echo(1)(server.port, stack)(1)  # so those before have been accepted
        return (server.resident() - before) / idle if row.memory else server.cost(n)


def measured(row: Row, loops: list[str], rounds: int, quick: bool) -> dict[str, list[float]]:
    less = 20 if quick else 1
    n = max(row.requests // less, 100)
    costs: dict[str, list[float]] = {loop: [] for loop in loops}
    with ExitStack() as stack:
        servers = {}
        if not row.idle:
            peer = stack.enter_context(row.peer()) if row.peer else None
            servers = {loop: Server(row, loop, stack, peer) for loop in loops}
        for server in servers.values():
            server.cost(n // 2)
        for number in range(rounds):
            order = loops[number % len(loops) :] + loops[: number % len(loops)]
            for loop in order:
                costs[loop].append(
                    servers[loop].cost(n) if servers else alone(row, loop, n, row.idle // less)
                )
    return costs


def ratio(costs: dict[str, list[float]], loop: str, to: str) -> float:
    pairs = zip(costs[loop], costs[to], strict=True)
    return statistics.median(one / other for one, other in pairs)


def options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="few requests: does it run at all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("words", nargs="*")
    return parser.parse_args()


def raise_limit() -> int:
    """Have as many descriptors as may be, and return how many. The servers inherit it."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return limit


def run(rows: dict[str, Row], loops: list[str], options: argparse.Namespace) -> None:
    """Measure the *rows* that the options name, and print the table."""
    known = [name for name in loops if name not in PACKAGES or importlib.util.find_spec(name)]
    for name in set(loops) - set(known):
        print(f"{name} is not installed: no column of it")
    has_c = any(row.has_c for row in rows.values())
    columns = [*known, "C"] if has_c else known
    results = {}
    raise_limit()
    print(f"{'us of CPU a request':50s}" + "".join(f"{name:>11s}" for name in columns), end="")
    print("   to uvloop: pysock, installed")
    for name, row in rows.items():
        if options.words and not any(word in name for word in options.words):
            continue
        if missing := row.missing():
            print(f"{name}: {missing}: no row of it")
            continue
        rounds = 3 if options.quick or row.memory else options.rounds
        costs = measured(row, [*known, "C"] if row.has_c else known, rounds, options.quick)
        results[name] = costs
        figures = [
            f"{statistics.median(costs[loop]):11.2f}" if loop in costs else f"{'-':>11s}"
            for loop in columns
        ]
        print(f"{name:50s}" + "".join(figures), end="", flush=True)
        if "uvloop" in costs:
            ours, installed = (ratio(costs, loop, "uvloop") for loop in ("pysock", "installed"))
            print(f"   {ours:.2f}  {installed:.2f}", end="")
        print()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    run(ROWS, LOOPS, options(__doc__))
