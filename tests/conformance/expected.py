"""The public list of expected differences, and whether each is still true."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verdict import Verdict

ANY = "*"


@dataclass(frozen=True)
class Difference:
    version: str
    backend: str
    mode: str
    test: str
    reason: str

    def covers(self, version: str, verdict: Verdict) -> bool:
        """Whether the run is one that the entry speaks of."""
        run = verdict.record.run
        return (
            self.version in (ANY, version)
            and self.backend in (ANY, run.backend)
            and self.mode in (ANY, run.mode)
            and self.test.startswith(run.module.name + ".")
        )


def read_differences(path: Path) -> list[Difference]:
    differences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(None, 4)
        if len(fields) < 5:
            raise ValueError(f"{path.name}, line {number}: version backend mode test reason")
        differences.append(Difference(*fields))
    return differences


def split_expected(
    differences: list[Difference], versions: dict[str, str], verdicts: list[Verdict]
) -> tuple[set[tuple[int, str]], list[Difference]]:
    """Which losses are expected, as (index of the verdict, test), and which entries are stale.

    An entry is stale when runs that it speaks of took place and none of them differs.
    """
    expected, stale = set(), []
    for difference in differences:
        covered = [
            index
            for index, verdict in enumerate(verdicts)
            if difference.covers(versions[verdict.record.run.python], verdict) and not verdict.error
        ]
        differing = {
            (index, difference.test) for index in covered if difference.test in verdicts[index].lost
        }
        expected |= differing
        if covered and not differing:
            stale.append(difference)
    return expected, stale
