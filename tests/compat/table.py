"""What the runs come to: who passed, at what speed, and every failure in full."""

from __future__ import annotations

import platform
from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median

from catalogue import Program

BASELINE = "socket"


@dataclass
class Run:
    requests: int = 0
    wall: float = 0.0  # seconds
    cpu: float = 0.0
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
        """Both ways of pysock taken together: after the start they are one."""
        head = f"{'':21}{'':8}{'requests a second':^24}{'CPU us a request':^24}"
        columns = f"{'socket':>8}{'pysock':>8}{'ratio':>8}"
        lines = [head.rstrip(), f"{'program':21}{'CPU of':8}{columns}{columns}"]
        for program, ways in self.runs.items():
            good = {way: [r for r in runs if not r.failure] for way, runs in ways.items()}
            before = good.pop(BASELINE)
            after = [run for runs in good.values() for run in runs]
            if not before or not after:
                continue
            cells = compare([r.rate for r in before], [r.rate for r in after], more_is_better=True)
            cells += compare([r.cost for r in before], [r.cost for r in after])
            lines.append(f"{program.name:21}{program.side:8}{cells}")
        lines.append("Medians. Ratios above 1: pysock is better; ~: less than the runs scatter.")
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


def ratio_of(
    before: list[float], after: list[float], *, more_is_better: bool = False
) -> tuple[float, bool]:
    """How much better *after* is, and whether that is less than the runs scatter."""
    old, new = median(before), median(after)
    # As many runs on the far side of the other's median as not: no difference was measured.
    mixed = min(after) <= old <= max(after) and min(before) <= new <= max(before)
    return (new / old if more_is_better else old / new), mixed


def compare(before: list[float], after: list[float], *, more_is_better: bool = False) -> str:
    ratio, mixed = ratio_of(before, after, more_is_better=more_is_better)
    shown = f"{'~' if mixed else ''}{ratio:.2f}"
    return f"{median(before):8.0f}{median(after):8.0f}{shown:>8}"
