"""Write the table of a `make compat` run into a page: no figure in it is typed by hand.

python tests/compat/run.py --json compat.json
python tests/compat/programs_page.py compat.json docs/programs.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from catalogue import PROGRAMS
from table import Comparison, Run, comparisons
from ways import ROOT

sys.path.append(str(ROOT / "docs"))
from marked_table import write


def cell(figure: Comparison) -> str:
    if not figure.settled:
        return f"{figure.ratio:.2f}"
    return f"**{figure.ratio:.2f}**" if figure.ratio > 1 else f"{figure.ratio:.2f} (slower)"


def lines(runs: dict[str, dict[str, list[Run]]]):
    yield "| program | with | whose CPU | requests a second | CPU of a request |"
    yield "|---|---|---|--:|--:|"
    for program in PROGRAMS:
        if program.name not in runs:
            continue
        rate, cost = map(cell, comparisons(runs[program.name]))
        yield f"| {program.name} | {program.exercised} | {program.side} | {rate} | {cost} |"


def main(source: str, target: str) -> None:
    saved = json.loads(Path(source).read_text(encoding="utf-8"))["runs"]
    runs = {n: {w: [Run(**r) for r in v] for w, v in ways.items()} for n, ways in saved.items()}
    write(Path(target), "programs", lines(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
