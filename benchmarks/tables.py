"""Write the tables of a benchmark run: no figure in them is typed by hand.

    python benchmarks/tables.py benchmarks/results/latest.json

README.md gets the rows of headlines.py, docs/rows.md all of them, each between two comments.
"""

import json
import sys
from pathlib import Path

from harness.variants import VARIANTS
from headlines import SLOWER, by_section

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "docs"))
from marked_table import write  # noqa: E402


def beside(row):
    """Others that the row measures in pysock's place, uvloop for one."""
    stdlib = row["variants"]["stdlib"]["ns"]
    for name, series in row["variants"].items():
        if name not in VARIANTS:
            yield f"| {row['title']}: {name} there | {stdlib / series['ns']:.2f} | |"


def cells(row):
    ratio, share = row["ratio"], row["share_of_c"]
    shown = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
    # Within the noise of a run nothing was won and nothing lost.
    marked = f"**{shown}**" if ratio > 1.03 else f"{shown} (slower)" if ratio < SLOWER else shown
    return f"| {row['title']} | {marked} | {'' if share is None else f'{100 * share:.0f} %'} |"


def table(sections):
    yield "| operation | ratio | pysock's share of C's speed |"
    yield "|---|--:|--:|"
    for name, rows in sections.items():
        if name:
            yield f"| *{name}* | | |"
        for row in rows:
            yield cells(row)
            yield from beside(row)


def main(results):
    benchmarks = json.loads(Path(results).read_text())["benchmarks"]
    figures = [one["extra_info"] for one in benchmarks if "ratio" in one["extra_info"]]
    write(ROOT / "README.md", "benchmark", table(by_section(figures)))
    write(ROOT / "docs" / "rows.md", "benchmark", table({"": figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
