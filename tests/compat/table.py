"""What the runs come to: who passed, at what speed, and every failure in full."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import fmean, median

from catalogue import Program

BASELINE = "socket"


@dataclass
class Run:
    requests: int = 0
    wall: float = 0.0  # seconds
    cpu: float = 0.0
    voluntary: int = 0  # context switches
    involuntary: int = 0
    said: str = ""  # on stderr
    failure: str = ""

    @property
    def rate(self) -> float:
        return self.requests / self.wall

    @property
    def cost(self) -> float:
        """CPU of a request, in microseconds."""
        return 1e6 * self.cpu / self.requests


class Report:
    def __init__(self, about, versions: dict[str, str], rounds: int, ways: list[str]):
        self.about = about
        self.versions = versions
        self.rounds = rounds
        self.ways = ways
        self.servers: dict[str, str] = {}
        self.runs: dict[Program, dict[str, list[Run]]] = {}

    def add(self, program: Program, way: str, run: Run) -> None:
        self.runs.setdefault(program, defaultdict(list))[way].append(run)

    def verdict(self, program: Program, way: str) -> str:
        failed = sum(bool(run.failure) for run in self.runs[program][way])
        return "pass" if not failed else f"FAIL {failed}/{len(self.runs[program][way])}"

    def lost(self) -> list[Program]:
        """The programs that pass on the standard library and not on pysock."""
        return [
            program
            for program in self.runs
            if self.verdict(program, BASELINE) == "pass"
            and any(self.verdict(program, way) != "pass" for way in self.ways)
        ]

    @property
    def status(self) -> int:
        if self.lost():
            return 1
        return 2 if any(self.verdict(program, BASELINE) != "pass" for program in self.runs) else 0

    def progress(self, program: Program) -> str:
        verdicts = ", ".join(f"{way} {self.verdict(program, way)}" for way in self.ways)
        return f"{program.name}: {verdicts}"

    def text(self) -> str:
        parts = [self.heading(), self.matrix(), self.speed(), *self.failures(), self.conclusion()]
        return "\n\n".join(part for part in parts if part)

    def heading(self) -> str:
        about = self.about
        servers = ", ".join(f"{name} {version}" for name, version in self.servers.items())
        lines = [
            f"{about['package']} {about['version']}, backend {about['backend']}, "
            f"{about['python']}, {about['system']}",
            f"rounds: {self.rounds}, in turn" + (f"; servers: {servers}" if servers else ""),
        ]
        return "\n".join(lines)

    def version(self, program: Program) -> str:
        return self.versions[program.package] if program.package else platform.python_version()

    def matrix(self) -> str:
        lines = [f"{'program':21}{'version':9}{'exercised':33}" + "".join(map(title, self.ways))]
        for program in self.runs:
            verdicts = "".join(f" {short(self.verdict(program, way)):>5}" for way in self.ways)
            line = f"{program.name:21}{self.version(program):9}{program.exercised:33}"
            lines.append(line + verdicts)
        return "\n".join(lines)

    def speed(self) -> str:
        head = f"{'':21}{'':8}{'requests a second':^24}{'CPU us a request':^24}"
        columns = f"{'socket':>8}{'pysock':>8}{'ratio':>8}"
        lines = [head.rstrip(), f"{'program':21}{'CPU of':8}{columns}{columns}"]
        for program, ways in self.runs.items():
            cells = "".join(map(cell, comparisons(ways)))
            if cells:
                lines.append(f"{program.name:21}{program.side:8}{cells}")
        lines.append("Medians. Ratios above 1: pysock is better; ~: not in every round.")
        return "\n".join(lines)

    def failures(self) -> list[str]:
        texts: dict[str, None] = {}
        for program, ways in self.runs.items():
            for way, runs in ways.items():
                for run in runs:
                    if run.failure:
                        texts[f"== {program.name}, {way}: {run.failure.rstrip()}"] = None
        return list(texts)

    def conclusion(self) -> str:
        lost = self.lost()
        passed = [p for p in self.runs if all(self.verdict(p, way) == "pass" for way in self.ways)]
        text = f"{len(passed)} of {len(self.runs)} programs pass every way"
        if lost:
            text += f"; lost on pysock: {', '.join(program.name for program in lost)}"
        return text

    def as_json(self):
        runs = {
            p.name: {w: list(map(asdict, r)) for w, r in v.items()} for p, v in self.runs.items()
        }
        return {"about": self.about, "servers": self.servers, "runs": runs}


def title(way: str) -> str:
    return f" {way.split()[0].replace('install()', 'inst.').replace('socket', 'std.'):>5}"


def short(verdict: str) -> str:
    return "ok" if verdict == "pass" else "FAIL"


@dataclass(frozen=True)
class Comparison:
    """A figure of the standard library and one of pysock, as the rounds gave them."""

    before: float
    after: float
    ratio: float  # above 1: pysock is better
    settled: bool  # every round says the same of who is better


def comparisons(ways: dict[str, list[Run]]) -> list[Comparison]:
    """Of requests a second, and of the CPU of a request, in the rounds that passed every way."""
    rounds = [
        dict(zip(ways, runs, strict=True))
        for runs in zip(*ways.values(), strict=True)
        if not any(run.failure for run in runs)
    ]
    if not rounds:
        return []
    rates = [figures(runs, lambda run: run.rate) for runs in rounds]
    costs = [figures(runs, lambda run: run.cost) for runs in rounds]
    return [
        comparison(rates, [after / before for before, after in rates]),
        comparison(costs, [before / after for before, after in costs]),
    ]


def figures(runs: dict[str, Run], of: Callable[[Run], float]) -> tuple[float, float]:
    """Before and after, in one round; pysock's two ways are one, after the start."""
    return of(runs[BASELINE]), fmean(of(run) for way, run in runs.items() if way != BASELINE)


def comparison(pairs: list[tuple[float, float]], ratios: list[float]) -> Comparison:
    before, after = (median(column) for column in zip(*pairs, strict=True))
    agree = all(ratio > 1 for ratio in ratios) or all(ratio < 1 for ratio in ratios)
    return Comparison(before, after, median(ratios), agree and len(ratios) > 1)


def cell(figure: Comparison) -> str:
    ratio = f"{'' if figure.settled else '~'}{figure.ratio:.2f}"
    return f"{figure.before:8.0f}{figure.after:8.0f}{ratio:>8}"
