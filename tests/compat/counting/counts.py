"""What a request costs on each way: what was counted, and what the committed table has."""

from __future__ import annotations

import json
import platform
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from table import Comparison, Run, comparisons

TABLE = Path(__file__).resolve().parent.parent / "counted.json"
SOCKET, PYSOCK = "socket", "-m pysock"
WAIT = "FUTEX_WAIT"  # what of futex's calls waited
writing = threading.Lock()  # of the table: two processors have programs that are done
RARE = 0.02  # of a request: what happens once in a run, or by the clock


@dataclass
class Counts:
    """Of one request. Times and context switches come from runs that nothing looked at."""

    instructions: float
    calls: dict[str, float]
    futex_waits: float
    voluntary: float | None = None  # context switches
    involuntary: float | None = None

    @classmethod
    def of(cls, instructions: float, calls: Counter[str], requests: int) -> Counts:
        each = {n: round(c / requests, 3) for n, c in sorted(calls.items()) if n != WAIT}
        each = {name: count for name, count in each.items() if count >= RARE}
        return cls(round(instructions), each, round(calls[WAIT] / requests, 3))

    @property
    def system_calls(self) -> float:
        """Without futex, by which threads wait for each other: how often is a matter of chance."""
        return sum(count for name, count in self.calls.items() if name != "futex")


@dataclass
class Counted:
    """One program: by way, and what the clock said of it."""

    requests: int
    ways: dict[str, Counts] = field(default_factory=dict)
    cpu: float | None = None  # the standard library's CPU time by pysock's; none if rounds disagree

    def add_rounds(self, rounds: dict[str, list[Run]]) -> None:
        for way, runs in rounds.items():
            good = [run for run in runs if not run.failure]
            if good:
                counts = self.ways[way]
                counts.voluntary = round(median(r.voluntary / r.requests for r in good), 3)
                counts.involuntary = round(median(r.involuntary / r.requests for r in good), 3)
        if figures := comparisons(rounds):
            cost: Comparison = figures[1]
            self.cpu = round(cost.ratio, 3) if cost.settled else None


def interpreter() -> str:
    """The key in the table: counts differ by version and by processor."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation().lower()}-{version}-{platform.machine()}"


def read() -> dict[str, Counted]:
    saved = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    return {name: decoded(each) for name, each in saved.get(interpreter(), {}).items()}


def decoded(each: dict) -> Counted:
    ways = {way: Counts(**counts) for way, counts in each["ways"].items()}
    return Counted(each["requests"], ways, each["cpu"])


def update(found: dict[str, Counted]) -> None:
    """Programs that were not counted this time keep what they had."""
    with writing:
        saved = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
        saved.setdefault(interpreter(), {}).update({n: asdict(c) for n, c in found.items()})
        TABLE.write_text(json.dumps(saved, indent=1, sort_keys=True) + "\n", encoding="utf-8")
