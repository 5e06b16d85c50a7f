"""A thread of pure Python beside a loop, and the share of its speed that it kept."""

# Part of a worker: see the note on imports in row.py.
from __future__ import annotations

import functools
import time
from collections.abc import Callable
from itertools import repeat

from harness.variants import PYSOCK, Timed, socket_module

socket_module(PYSOCK)  # without an installation its folder joins the path
from pysock._cli.threads import Computing  # noqa: E402


@functools.cache
def speed_alone() -> float:
    """Counts per nanosecond while no other thread wants the interpreter."""
    speeds = []
    with Computing() as computing:
        for _ in repeat(None, 10):
            before, begin = computing.count, time.perf_counter_ns()
            time.sleep(0.02)
            after, end = computing.count, time.perf_counter_ns()
            speeds.append((after - before) / (end - begin))
    return max(speeds)


def beside_computing(loop: Callable[[int], object], ms: int = 200) -> Callable[[int], Timed]:
    """The loop with a computing thread beside it, for a fixed time and not a count.

    The same loop can run a thousand times slower from one moment to the next, depending on who
    wins the race for the interpreter. A thread just started shares its starter's processor, where
    there is no race yet: the first part of a block lets the scheduler move it, and is not counted.
    """
    alone = speed_alone()
    few = 4

    def run_for(ms: int) -> tuple[int, int]:
        passes, begin = 0, time.perf_counter_ns()
        while (end := time.perf_counter_ns()) < begin + ms * 1_000_000:
            loop(few)
            passes += few
        return passes, end - begin

    def block(_: int) -> Timed:
        with Computing() as computing:
            run_for(ms)
            before = computing.count
            passes, ns = run_for(ms)
            counted = computing.count - before
        return Timed(ns, passes, counted / ns / alone)

    return block
