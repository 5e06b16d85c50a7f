"""Write the tables of a benchmark run: no figure in them is typed by hand.

    python benchmarks/tables.py benchmarks/results/latest.json

README.md gets the rows of headlines.py, docs/rows.md all of them, each between two comments.
"""

import json
import sys
from pathlib import Path

from headlines import SLOWER, by_section

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- benchmark table -->", "<!-- end of the benchmark table -->"


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
        yield from map(cells, rows)


def write(path, sections):
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path.name} has no {BEGIN} and {END}")
    path.write_text("\n".join([before + BEGIN, *table(sections), END + after]), encoding="utf-8")


def main(results):
    benchmarks = json.loads(Path(results).read_text())["benchmarks"]
    figures = [one["extra_info"] for one in benchmarks if "ratio" in one["extra_info"]]
    write(ROOT / "README.md", by_section(figures))
    write(ROOT / "docs" / "rows.md", {"": figures})


if __name__ == "__main__":
    main(*sys.argv[1:])
