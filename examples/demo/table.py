"""The demo's table: one line a scenario, none wider than 80 columns."""

from dataclasses import dataclass, field
from statistics import median, quantiles

from .scenarios import Visit

COLUMNS = "{:<25}{:>11}{:>12}{:>8}{:>8}{:>6}{:>10}"
HEADER = COLUMNS.format("what was run", "bytes", "checks", "stdlib", "pysock", "ratio", "range")
LEGEND = """\
bytes: of one run; stdlib, pysock: milliseconds, the median of the rounds
ratio: stdlib / pysock, above 1 pysock is faster; range: of the middle half of
the rounds, and where 1 is within it, no difference was seen"""


@dataclass
class Row:
    """What the visits of one scenario brought, on both runtimes, or why there were none."""

    title: str
    visits: dict[str, list[Visit]] = field(default_factory=dict)
    note: str = ""

    @property
    def failures(self) -> list[str]:
        return [text for visits in self.visits.values() for v in visits for text in v.failures]

    @property
    def passed(self) -> int:
        return sum(visit.passed for visits in self.visits.values() for visit in visits)

    def __str__(self) -> str:
        if self.note:
            return f"{self.title:<25} {self.note}"
        stdlib, pysock = self.visits["stdlib"], self.visits["pysock"]
        times = [median(visit.seconds for visit in visits) for visits in (stdlib, pysock)]
        return COLUMNS.format(
            self.title,
            f"{max(visit.size for visit in stdlib + pysock):,}",
            f"{self.passed}/{self.passed + len(self.failures)}",
            *(f"{seconds * 1000:.1f}" for seconds in times),
            f"{times[0] / times[1]:.2f}",
            middle_half(
                [one.seconds / other.seconds for one, other in zip(stdlib, pysock, strict=True)]
            ),
        )


def middle_half(ratios: list[float]) -> str:
    """Between which two of its quarters a list of ratios lies: how far to trust their median."""
    if len(ratios) == 1:
        return ""
    low, _, high = quantiles(ratios, n=4)
    return f"{low:.2f}-{high:.2f}"
