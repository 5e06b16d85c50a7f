"""Interleaved rounds of short blocks, and the figures they give.

A round runs one block of every variant, in an order that is shuffled so that none always
follows the same. The best block of a variant is its figure, as noise only adds time; where
threads race, its median block. Every
row starts again several times with fresh sockets, because where a socket lands in memory is
worth a few per cent and would otherwise be a constant of the run.
"""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.row import HERE, PROGRAM, Row
from harness.variants import PYSOCK, STDLIB, C, Runner, open_here, timer

SETTLED = 0.02  # the spread at which a row needs no more rounds
AT_MOST = 4  # times its rounds
Opener = Callable[[], AbstractContextManager[Runner]]


@dataclass
class Series:
    """What one variant did, in nanoseconds per operation."""

    count: int = 0  # passes of the loop in a block
    ns: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


@contextmanager
def _open_program(body: Callable, row: Row, variant: str) -> Iterator[Runner]:
    with contextmanager(body)(variant, **row.parameters) as (loop, _):
        yield timer(loop)


def opener(body: Callable, row: Row, variant: str) -> Opener:
    """How the row's loop is set up for the variant, in the place the row says."""
    if row.where == HERE:
        return lambda: open_here(body, row, variant)
    if row.where == PROGRAM:
        return lambda: _open_program(body, row, variant)
    from harness.child import open_child

    return lambda: open_child(body, row, variant)


class Comparison:
    """All variants of one row, round after round."""

    def __init__(self, openers: dict[str, Opener], row: Row, quick: bool = False) -> None:
        self.openers = openers
        self.row = row
        self.rounds = min(row.rounds, 4) if quick else row.rounds
        self.setups = 1 if quick else min(row.setups, self.rounds)
        self.block_ns = row.block_ms * 1e6 / (4 if quick else 1)
        self.series = {variant: Series() for variant in openers}
        self._runners: dict[str, Runner] = {}
        self._played = 0
        self._order = random.Random(0)
        self._stack = ExitStack()

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *failure: Any) -> None:
        self._stack.close()

    def _calibrate(self, run: Runner) -> int:
        """The number of passes that makes a block about as long as the row asks."""
        n = 1
        while (ns := run(n).ns) < self.block_ns / 4:
            n *= 2 if ns > self.block_ns / 64 else 8
        return max(1, round(n * self.block_ns / max(ns, 1)))

    def _open(self) -> None:
        self._stack.close()
        for variant, open_variant in self.openers.items():
            run = self._runners[variant] = self._stack.enter_context(open_variant())
            series = self.series[variant]
            if series.count:
                run(series.count)  # warm: caches, specialized bytecode
            else:
                series.count = self._calibrate(run)

    def play_round(self) -> None:
        """One block of every variant."""
        if self._played % -(-self.rounds // self.setups) == 0:
            self._open()
        self._played += 1
        variants = list(self.openers)
        self._order.shuffle(variants)
        collecting = gc.isenabled()
        gc.disable()
        try:
            for variant in variants:
                series = self.series[variant]
                timed = self._runners[variant](series.count)
                passes = timed.passes or series.count
                series.ns.append(timed.ns / passes / self.row.per)
                if timed.kept is not None:
                    series.kept.append(timed.kept)
        finally:
            if collecting:
                gc.enable()

    @property
    def last_ns(self) -> float:
        """pysock's time per operation in the round just played."""
        return self.series[PYSOCK].ns[-1]

    def _figure(self, variant: str, take: slice = slice(None)) -> float:
        choose = min if self.row.best else statistics.median
        return choose(self.series[variant].ns[take])

    def _ratio(self, take: slice = slice(None)) -> float:
        return self._figure(STDLIB, take) / self._figure(PYSOCK, take)

    @property
    def spread(self) -> float:
        """How far the even rounds alone and the odd rounds alone disagree."""
        halves = [self._ratio(slice(half, None, 2)) for half in range(min(2, self._played))]
        return max(halves) / min(halves) - 1

    def play_on(self) -> None:
        """More rounds while the ratio is not settled: another program had the machine."""
        while self.spread > SETTLED and self._played < AT_MOST * self.rounds:
            self.play_round()

    def figures(self) -> dict[str, Any]:
        """The row as JSON: the table, the picture and later comparisons are made from this."""
        return {
            "title": self.row.title,
            "floor": self.row.floor,
            "aim": self.row.aim,
            "heap": self.row.heap,
            "ratio": self._ratio(),
            "spread": self.spread,
            "share_of_c": self._figure(C) / self._figure(PYSOCK) if C in self.series else None,
            "rounds": self._played,
            "variants": {
                variant: {
                    "ns": self._figure(variant),
                    "best_ns": min(series.ns),
                    "median_ns": statistics.median(series.ns),
                    "block": series.count,
                    "kept": statistics.median(series.kept) if series.kept else None,
                }
                for variant, series in self.series.items()
            },
        }
