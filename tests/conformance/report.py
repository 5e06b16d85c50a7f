"""The outcome as a table, with what was lost, for people; and as JSON."""

from __future__ import annotations

from dataclasses import asdict

from expected import Difference
from plan import EXCLUDED
from supervisor import Record
from verdict import Verdict

HEADER = (
    "python",
    "backend",
    "module",
    "mode",
    "run",
    "passed",
    "skipped",
    "lost",
    "own sockets",
    "own loops",
    "own turns",
    "seconds",
)
NAMES_SHOWN = 20
DETAIL_LINES = 12
NEWLINE = "\n"


def share(own: int, other: int, measured: bool) -> str:
    total = own + other
    return f"{own / total:.0%} of {total}" if measured and total else ""


class Report:
    def __init__(self, versions: dict[str, str]):
        self.versions = versions
        self.rows: list[dict] = []
        self.lost: list[dict] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.stale: list[Difference] = []

    @property
    def status(self) -> int:
        if self.errors or not any(row["run"] for row in self.rows):
            return 2
        return 1 if self.stale or any(not loss["expected"] for loss in self.lost) else 0

    def where(self, record: Record) -> str:
        return f"{self.versions[record.run.python]} {record.run}"

    def add_baseline(self, record: Record, recovered: list[str]) -> None:
        self._add_row(record, None)
        failed = [name for name, outcome in record.tests.items() if outcome.bad]
        self._note(record, "fails with the standard library, so it cannot be lost", failed)
        self._note(record, "passed with the standard library at a second try", recovered)
        if record.error:
            self.errors.append(f"{self.where(record)}: {record.error}")
        elif not record.tests:
            causes = "; ".join(f.detail.strip().split("\n")[-1] for f in record.fixtures.values())
            text = f"{self.where(record)}: no test ran: {causes or 'none matches'}"
            broken = any(fixture.bad for fixture in record.fixtures.values())
            unable = broken and not record.run.module.optional
            (self.errors if unable else self.notes).append(text)

    def add_verdict(self, verdict: Verdict, expected: set[str]) -> None:
        record = verdict.record
        self._add_row(record, len(verdict.lost))
        self._note(
            record,
            "passed at a second try, alone and in the module",
            [
                f"{name} (first: {record.tests[name].detail.strip().rpartition(NEWLINE)[2]})"
                for name in verdict.recovered
            ],
        )
        self._note(record, "alone, no better with the standard library", verdict.unsound)
        if verdict.error:
            self.errors.append(f"{self.where(record)}: {verdict.error}")
        for name, outcome in verdict.lost.items():
            self.lost.append(
                {
                    "run": self.where(record),
                    "test": name,
                    "expected": name in expected,
                    **asdict(outcome),
                }
            )

    def check_loops(self, records: list[Record]) -> None:
        """A module may make no loop at all; when none did, nothing was shown about pysock's."""
        ran = [record for record in records if record.run.replaces_loop and record.tests]
        if ran and not any(record.own_loops for record in ran):
            self.errors.append("no pysock.EventLoop was made in any run")

    def _add_row(self, record: Record, lost: int | None) -> None:
        run = record.run
        self.rows.append(
            dict(
                zip(
                    HEADER,
                    (
                        self.versions[run.python],
                        run.backend,
                        run.module.short,
                        run.mode,
                        len(record.tests),
                        record.count("passed"),
                        record.count("skipped"),
                        lost,
                        share(record.own_sockets, record.other_sockets, run.replaces_sockets),
                        share(record.own_loops, record.other_loops, run.replaces_loop),
                        record.own_turns if run.replaces_loop else "",
                        round(record.seconds, 1),
                    ),
                    strict=True,
                )
            )
        )

    def _note(self, record: Record, what: str, names: list[str]) -> None:
        self.notes += [f"{self.where(record)}: {what}: {name}" for name in names]

    def text(self) -> str:
        parts = [self._table(), *self._lost(), *self._section("Notes", self.notes)]
        parts += self._section(
            "Left out everywhere", [f"{name}: {why}" for name, why in EXCLUDED.items()]
        )
        parts += self._section(
            "Expected differences that no longer differ: take them out",
            [f"{d.version} {d.backend} {d.mode} {d.test}" for d in self.stale],
        )
        parts += self._section("Errors", self.errors)
        return "\n".join([*parts, "", self._conclusion()])

    def _conclusion(self) -> str:
        expected = sum(loss["expected"] for loss in self.lost)
        return (
            f"lost: {len(self.lost) - expected}, expected differences: {expected}, "
            f"stale: {len(self.stale)}, errors: {len(self.errors)}"
        )

    def _table(self) -> str:
        lines = [HEADER] + [
            tuple("" if cell is None else str(cell) for cell in row.values()) for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column < 4 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def _lost(self) -> list[str]:
        parts, shown = [], {}
        for loss in self.lost:
            run = loss["run"]
            shown[run] = shown.get(run, 0) + 1
            if shown[run] == NAMES_SHOWN + 1:
                parts.append(f"\n... and more in {run}: see --json")
            if shown[run] > NAMES_SHOWN:
                continue
            kind = "EXPECTED" if loss["expected"] else "LOST"
            retries = f", {loss['retries']} more tries alone" if loss["retries"] else ""
            parts.append(f"\n{kind} {run}: {loss['test']} ({loss['status']}{retries})")
            parts += [f"    {line}" for line in loss["detail"].splitlines()[-DETAIL_LINES:]]
        return parts

    @staticmethod
    def _section(title: str, lines: list[str]) -> list[str]:
        return [f"\n{title}:", *(f"  {line}" for line in lines)] if lines else []

    def as_json(self) -> dict:
        return {
            "status": self.status,
            "rows": self.rows,
            "lost": self.lost,
            "notes": self.notes,
            "stale": [asdict(difference) for difference in self.stale],
            "errors": self.errors,
        }
