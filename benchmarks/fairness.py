"""What other threads get beside a thread that is busy with sockets, and what that one gets.

    python benchmarks/fairness.py [--rounds N] [--quick] [WORD ...]    rows with one of these words

Each figure is a median of rounds. In a round each variant has a process of its own, in turn.
`socket` is the standard library, with asyncio's own loop. Lower is better for p50 and p99.
`python -m pysock --bench` has some of the rows in a short form, with clients in Python.
"""

from __future__ import annotations

import argparse
import functools
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
from contextlib import ExitStack
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parent))
from pysock._cli import loops  # noqa: E402
from pysock._cli.threads import EchoThreads, Here, beside_ready, short_works  # noqa: E402
from pysock._cli.variants import VARIANTS  # noqa: E402

Row = Callable[[float, Here], dict[str, float]]  # seconds and what it is given; its figures


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


def drive(seconds: float, port: int, count: int) -> dict[str, float]:
    arguments = [str(FOLDER), str(int(seconds * 1000)), str(port), str(count)]
    done = subprocess.run(
        [sys.executable, "-c", CLIENTS, *arguments], stdout=subprocess.PIPE, check=True
    )
    rate, p50, p99 = json.loads(done.stdout)
    return {"echoes/s": rate, "echo p50": p50 / 1e9, "echo p99": p99 / 1e9}


# The rows that `--bench` does not have.


def started_and_joined() -> None:
    thread = threading.Thread(target=short_works)
    thread.start()
    thread.join()


def hand_over(make: Callable[[], queue.Queue[int] | queue.SimpleQueue[int]]):
    """A token goes to another thread and comes back."""

    def row(seconds: float, here: Here) -> dict[str, float]:
        there, back = make(), make()

        def answer() -> None:
            while (token := there.get()) is not None:
                back.put(token)

        def ask() -> None:
            there.put(1)
            back.get()

        other = threading.Thread(target=answer, daemon=True)
        other.start()
        figures = beside_ready(ask)(seconds, here)
        there.put(None)
        return figures

    return row


def echo_threads(count: int, computing: int, cores: int):
    def row(seconds: float, here: Here) -> dict[str, float]:
        if cores == 1:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        sys.path.insert(0, str(FOLDER))
        from harness.computing import Computing, speed_alone

        alone = speed_alone() if computing else 1.0
        with EchoThreads(count) as server, ExitStack() as stack:
            beside = [stack.enter_context(Computing()) for _ in range(computing)]
            before, begin = [each.count for each in beside], time.perf_counter_ns()
            got = here.drive(seconds, server.port, count)
            counted = sum(each.count for each in beside) - sum(before)
            kept = counted / (time.perf_counter_ns() - begin) / alone
        return {**got, **({"computing keeps": kept} if computing else {})}

    return row


ROWS: dict[str, Row] = {
    "executor call beside a busy loop": functools.partial(loops.executor, count=50),
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


def child(row: str, name: str, seconds: float) -> None:
    """Print the figures of a row, or null if the variant is not installed."""
    variant = VARIANTS[name]
    with warnings.catch_warnings():  # asyncio is here already, and ssl keeps its own class
        warnings.simplefilter("ignore")
        installed = variant.enter()
    figures = ROWS[row](seconds, Here(drive, variant.new_loop)) if installed else None
    print(json.dumps(figures), flush=True)
    os._exit(0)  # threads that wait in the kernel


def run(row: str, variant: str, seconds: float) -> dict[str, float] | None:
    command = [sys.executable, __file__, "--child", row, variant, str(seconds)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def variants_of(row: str) -> list[str]:
    has_loop = row.startswith("executor")
    return [name for name, variant in VARIANTS.items() if has_loop or not variant.only_loop]


def measured(row: str, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """The medians of the figures of each variant that is installed."""
    all_figures: dict[str, list[dict[str, float]]] = {name: [] for name in variants_of(row)}
    for _ in range(rounds):
        for name, figures in all_figures.items():
            if (got := run(row, name, seconds)) is not None:
                figures.append(got)
    return {
        name: {key: statistics.median(each[key] for each in figures) for key in figures[0]}
        for name, figures in all_figures.items()
        if figures
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
