"""What two runs of the same tests differ in, and what is said of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field

from projects import Project

# The worse, the lower. What did not run at all is worst.
RANKS = {"passed": 2, "xfailed": 1, "skipped": 1, "failed": 0, "not run": 0}


@dataclass(frozen=True)
class Outcome:
    outcome: str
    text: str = ""

    @property
    def rank(self) -> int:
        return RANKS[self.outcome]


NOT_RUN = Outcome("not run")
LISTED = 10  # of the tests that fail anyway


@dataclass
class SuiteRun:
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failure: str = ""  # of the whole: what has no outcome did not run

    def of(self, test: str) -> Outcome:
        return self.outcomes.get(test, NOT_RUN)

    def passed(self) -> int:
        return sum(outcome.outcome == "passed" for outcome in self.outcomes.values())


def worse(before: SuiteRun, after: SuiteRun) -> list[str]:
    return [test for test in before.outcomes if after.of(test).rank < before.of(test).rank]


@dataclass
class Difference:
    """One project on the standard library and on pysock; and once more, what failed there."""

    project: Project
    before: SuiteRun
    after: SuiteRun
    before_again: SuiteRun = field(default_factory=SuiteRun)
    after_again: SuiteRun = field(default_factory=SuiteRun)
    known: dict[str, str] = field(default_factory=dict)  # test: reason

    def suspects(self) -> list[str]:
        """What to run once more, on both: all that does not do as well on pysock, or fails there.

        A test that failed on both may have failed on the standard library by chance alone.
        """
        failed = [test for test, outcome in self.after.outcomes.items() if not outcome.rank]
        return list(dict.fromkeys([*worse(self.before, self.after), *failed]))

    def best(self, test: str) -> tuple[int, int]:
        """Each side's best of as many runs as the other had."""
        return (
            max(self.before.of(test).rank, self.before_again.of(test).rank),
            max(self.after.of(test).rank, self.after_again.of(test).rank),
        )

    def all_lost(self) -> list[str]:
        return [test for test in self.suspects() if self.best(test)[1] < self.best(test)[0]]

    def lost(self) -> list[str]:
        return [test for test in self.all_lost() if test not in self.known]

    def recovered(self) -> list[str]:
        """Worse than on the standard library at first, and not when both ran it once more."""
        lost = self.all_lost()
        return [test for test in worse(self.before, self.after) if test not in lost]

    @property
    def status(self) -> int:
        if self.lost():
            return 1
        return 2 if self.before.failure or self.after.failure or not self.before.passed() else 0


class Report:
    def __init__(self, about: dict[str, object], way: str):
        self.about = about
        self.way = way
        self.servers: dict[str, str] = {}
        self.differences: list[Difference] = []

    @property
    def status(self) -> int:
        """1: something is lost; 2: something did not run as it should on the standard library."""
        found = {difference.status for difference in self.differences}
        return 1 if 1 in found else max(found, default=2)

    def text(self) -> str:
        parts = [self.heading(), self.table()]
        for difference in self.differences:
            parts += remarks(difference)
        lost = sum(len(difference.lost()) for difference in self.differences)
        tests = sum(len(difference.before.outcomes) for difference in self.differences)
        parts.append(f"{tests} tests of {len(self.differences)} projects; lost on pysock: {lost}")
        return "\n\n".join(parts)

    def heading(self) -> str:
        about = self.about
        servers = ", ".join(f"{name} {version}" for name, version in self.servers.items())
        return (
            f"{about['package']} {about['version']} by {self.way}, backend {about['backend']}, "
            f"{about['python']}, {about['system']}" + (f"\nservers: {servers}" if servers else "")
        )

    def table(self) -> str:
        columns = ["tests", "socket", "pysock", "fail", "skip", "rerun", "known", "lost"]
        lines = [f"{'project':13}{'version':10}" + "".join(f"{column:>8}" for column in columns)]
        for d in self.differences:
            counts = Counter(outcome.outcome for outcome in d.before.outcomes.values())
            numbers = [
                len(d.before.outcomes),
                d.before.passed(),
                d.after.passed(),
                counts["failed"] + counts["not run"],
                counts["skipped"] + counts["xfailed"],
                len(d.suspects()),
                len(d.all_lost()) - len(d.lost()),
                len(d.lost()),
            ]
            cells = "".join(f"{number:8}" for number in numbers)
            lines.append(f"{d.project.name:13}{d.project.version:10}{cells}")
        lines.append("socket, pysock: passed there. fail, skip: on the standard library.")
        lines.append("rerun: failed on pysock, or did worse, and ran once more on both.")
        return "\n".join(lines)

    def as_json(self):
        outcomes = {
            d.project.name: {
                "socket": {test: asdict(each) for test, each in d.before.outcomes.items()},
                "pysock": {test: asdict(each) for test, each in d.after.outcomes.items()},
            }
            for d in self.differences
        }
        return {"about": self.about, "servers": self.servers, "outcomes": outcomes}


def remarks(difference: Difference) -> list[str]:
    name = difference.project.name
    texts = []
    for way, run in {"socket": difference.before, "pysock": difference.after}.items():
        if run.failure:
            texts.append(f"== {name} on {way}: {run.failure.rstrip()}")
    for test in difference.lost():
        before, after = difference.before.of(test), difference.after.of(test)
        texts.append(
            f"== lost: {name}, {test}: {before.outcome} on socket, {after.outcome} on pysock, "
            f"and so once more\n{after.text.rstrip()}"
        )
    for test in difference.recovered():
        before, after = difference.before.of(test), difference.after.of(test)
        texts.append(
            f"== rerun: {name}, {test}: {before.outcome} on socket, {after.outcome} on pysock; "
            "not so once more"
        )
    for test, reason in difference.known.items():
        verdict = "known difference" if test in difference.all_lost() else "no longer lost"
        texts.append(f"== {verdict}: {name}, {test}: {reason}")
    failing = [test for test, outcome in difference.before.outcomes.items() if not outcome.rank]
    if failing:
        more = [f"and {len(failing) - LISTED} more: --json"] * (len(failing) > LISTED)
        texts.append("\n".join([f"== fails on socket: {name}", *failing[:LISTED], *more]))
    return texts
