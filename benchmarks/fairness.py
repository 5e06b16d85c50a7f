"""What other threads get beside a thread that is busy with sockets, and what that one gets.

    python benchmarks/fairness.py [--rounds N] [--quick] [WORD ...]    rows with one of these words

Each figure is a median of rounds. In a round each variant has a process of its own, in turn.
`socket` is the standard library, with asyncio's own loop. Lower is better for p50 and p99.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORT_TIME = 0.2  # s until a server has its connections
SHORT_WORK = 40e-6  # s of Python between two waits
WAIT = 1e-3  # s


def percentiles(times: list[float]) -> dict[str, float]:
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def short_works() -> None:
    """What a call of an executor often is: it waits, works for a moment, and so on."""
    for _ in range(5):
        time.sleep(WAIT)
        until = time.perf_counter() + SHORT_WORK
        while time.perf_counter() < until:
            pass


def timed_for(seconds: float, call: Callable[[], object]) -> list[float]:
    times = []
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        call()
        times.append(time.perf_counter() - begin)
    return times


# Clients in C, in a process of their own: they neither share the GIL nor cost much.

CLIENTS = """
import ctypes, json, sys
sys.path.insert(0, sys.argv[1])
from harness import cloops
figures = (ctypes.c_double * 3)()
outcome = cloops.library().busy_clients(
    ctypes.c_int64(int(sys.argv[2])), int(sys.argv[3]), int(sys.argv[4]), figures)
assert outcome == 0, outcome
print(json.dumps(list(figures)))
"""


def clients(seconds: float, port: int, count: int) -> subprocess.Popen[str]:
    arguments = [str(HERE), str(int(seconds * 1000)), str(port), str(count)]
    return subprocess.Popen(
        [sys.executable, "-c", CLIENTS, *arguments], stdout=subprocess.PIPE, text=True
    )


def answers(process: subprocess.Popen[str]) -> dict[str, float]:
    said, _ = process.communicate()
    rate, p50, p99 = json.loads(said)
    return {"echoes/s": rate, "echo p50": p50 / 1e9, "echo p99": p99 / 1e9}


# The rows: each returns its figures.


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def executor(seconds: float) -> dict[str, float]:
    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0)
        process = clients(seconds, server.sockets[0].getsockname()[1], 50)
        await asyncio.sleep(PORT_TIME)
        times = []
        end = time.perf_counter() + seconds - 2 * PORT_TIME
        while (begin := time.perf_counter()) < end:
            await loop.run_in_executor(None, short_works)
            times.append(time.perf_counter() - begin)
        got = await loop.run_in_executor(None, answers, process)
        return {**percentiles(times), "echoes/s": got["echoes/s"]}

    return asyncio.run(main())


class AlwaysReady(threading.Thread):
    """A thread that sends datagrams to itself: it never has to wait."""

    def __init__(self, stream: bool = False) -> None:
        super().__init__(daemon=True)
        import socket

        if stream:
            self.a, self.b = socket.socketpair()
        else:
            self.a = self.b = socket.socket(type=socket.SOCK_DGRAM)
            self.a.bind(("127.0.0.1", 0))
            self.a.connect(self.a.getsockname())
        self.count, self.running, self.since = 0, True, time.perf_counter()

    def run(self) -> None:
        data, a, b = bytes(64), self.a, self.b
        while self.running:
            a.send(data)
            b.recv(64)
            self.count += 1

    def __enter__(self) -> AlwaysReady:
        self.start()
        time.sleep(0.05)
        self.before, self.since = self.count, time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.rate = (self.count - self.before) / (time.perf_counter() - self.since)
        self.running = False
        self.join()


def beside_ready(call: Callable[[], object], stream: bool = False):
    def row(seconds: float) -> dict[str, float]:
        with AlwaysReady(stream) as busy:
            times = timed_for(seconds, call)
        return {**percentiles(times), "busy/s": busy.rate}

    return row


def started_and_joined() -> None:
    thread = threading.Thread(target=short_works)
    thread.start()
    thread.join()


def hand_over(make: Callable[[], queue.Queue[int] | queue.SimpleQueue[int]]):
    """A token goes to another thread and comes back."""

    def row(seconds: float) -> dict[str, float]:
        there, back = make(), make()

        def answer() -> None:
            while (token := there.get()) is not None:
                back.put(token)

        def ask() -> None:
            there.put(1)
            back.get()

        other = threading.Thread(target=answer, daemon=True)
        other.start()
        figures = beside_ready(ask)(seconds)
        there.put(None)
        return figures

    return row


def echo_threads(count: int, computing: int, cores: int):
    def row(seconds: float) -> dict[str, float]:
        import socket

        def serve(sock) -> None:
            with sock, contextlib.suppress(ConnectionResetError):  # the clients stop with questions
                while data := sock.recv(4096):
                    sock.sendall(data)

        def accept(listener) -> None:
            while True:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

        if cores == 1:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        sys.path.insert(0, str(HERE))
        from harness.computing import Computing, speed_alone

        alone = speed_alone() if computing else 1.0
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        beside = [Computing() for _ in range(computing)]
        for each in beside:
            each.__enter__()
        before, begin = [each.count for each in beside], time.perf_counter_ns()
        got = answers(clients(seconds, listener.getsockname()[1], count))
        counted = sum(each.count for each in beside) - sum(before)
        kept = counted / (time.perf_counter_ns() - begin) / alone
        return {**got, **({"computing keeps": kept} if computing else {})}

    return row


ROWS = {
    "executor call beside a busy loop": executor,
    "short works beside UDP to itself": beside_ready(short_works),
    "short works beside a stream to itself": beside_ready(short_works, stream=True),
    "Thread.start and join beside UDP": beside_ready(started_and_joined),
    "Queue hand-over beside UDP": hand_over(queue.Queue),
    "SimpleQueue hand-over beside UDP": hand_over(queue.SimpleQueue),
    **{
        f"echo threads: {count} clients, {computing} computing, {cores} core{'s'[: cores - 1]}": (
            echo_threads(count, computing, cores)
        )
        for cores in (1, 2)
        for computing in (0, 1, 2)
        for count in (1, 4, 16, 64)
    },
}


def child(row: str, variant: str, seconds: float) -> None:
    if variant == "pysock":
        sys.path.insert(0, str(HERE.parent))
        import pysock

        with warnings.catch_warnings():  # asyncio is here already, and ssl keeps its own class
            warnings.simplefilter("ignore")
            pysock.install()
    elif variant == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    print(json.dumps(ROWS[row](seconds)), flush=True)
    os._exit(0)  # threads that wait in the kernel


def run(row: str, variant: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", row, variant, str(seconds)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def variants_of(row: str) -> list[str]:
    has_loop = row.startswith("executor") and importlib.util.find_spec("uvloop")
    return ["socket", "pysock", *(["uvloop"] if has_loop else [])]


def measured(row: str, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """The medians of the figures of each variant."""
    all_figures: dict[str, list[dict[str, float]]] = {name: [] for name in variants_of(row)}
    for _ in range(rounds):
        for name, figures in all_figures.items():
            figures.append(run(row, name, seconds))
    return {
        name: {key: statistics.median(each[key] for each in figures) for key in figures[0]}
        for name, figures in all_figures.items()
    }


def shown(key: str, value: float) -> str:
    if key.endswith(("p50", "p99")):
        return f"{value * 1e3:.3f} ms"
    return f"{value:.2f}" if key.endswith("keeps") else f"{value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        row, variant, seconds = options.child
        child(row, variant, float(seconds))
    rounds, seconds = (1, 0.8) if options.quick else (options.rounds, options.seconds)
    for row in ROWS:
        if options.words and not any(word in row for word in options.words):
            continue
        figures = measured(row, rounds, seconds)
        print(row)
        for key in figures["socket"]:
            columns = "".join(
                f"  {name} {shown(key, each[key]):>12}" for name, each in figures.items()
            )
            ratio = figures["pysock"][key] / figures["socket"][key]
            print(f"    {key:16}{columns}  pysock/socket {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
