"""Write the table of a `make compat` run into a page: no figure in it is typed by hand.

python tests/compat/run.py --json compat.json
python tests/compat/programs_page.py compat.json docs/programs.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from catalogue import PROGRAMS
from table import BASELINE, Run, ratio_of
from ways import ROOT

sys.path.append(str(ROOT / "docs"))
from marked_table import write


def cells(before: list[float], after: list[float], *, more_is_better: bool) -> str:
    ratio, scattered = ratio_of(before, after, more_is_better=more_is_better)
    if scattered:
        return f"{ratio:.2f}"
    return f"**{ratio:.2f}**" if ratio > 1 else f"{ratio:.2f} (slower)"


def lines(runs: dict[str, dict[str, list[Run]]]):
    yield "| program | with | whose CPU | requests a second | CPU of a request |"
    yield "|---|---|---|--:|--:|"
    for program in PROGRAMS:
        if program.name not in runs:
            continue
        ways = dict(runs[program.name])
        before = ways.pop(BASELINE)
        after = [run for way in ways.values() for run in way]
        rate = cells([r.rate for r in before], [r.rate for r in after], more_is_better=True)
        cost = cells([r.cost for r in before], [r.cost for r in after], more_is_better=False)
        yield f"| {program.name} | {program.exercised} | {program.side} | {rate} | {cost} |"


def main(source: str, target: str) -> None:
    saved = json.loads(Path(source).read_text(encoding="utf-8"))["runs"]
    runs = {n: {w: [Run(**r) for r in v] for w, v in ways.items()} for n, ways in saved.items()}
    write(Path(target), "programs", lines(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
