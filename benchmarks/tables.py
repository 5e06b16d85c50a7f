"""Write the tables of a benchmark run: no figure in them is typed by hand.

    python benchmarks/tables.py benchmarks/results [ROOT]

README.md gets the rows of headlines.py, docs/rows.md those of `bench_*.py`, docs/guide/asyncio.md
those of `loops.py`, docs/guide/tls.md those of `tls.py`, each between two comments. ROOT is the
folder of these pages: the project.
"""

import statistics
import sys
from pathlib import Path

from harness.variants import VARIANTS
from headlines import SLOWER, Results, paired

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "docs"))
from marked_table import write  # noqa: E402

# The columns of the tables of loops, and what a page calls them.
NAMES = {"installed": "`install()`", "pysock": "`new_event_loop()`"}
LOOPS = ["asyncio", "installed", "pysock", "uvloop", "C"]
TLS = ["asyncio", "installed", "pysock", "uvloop", "aiofastnet"]


def number(ratio):
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio < 9.95 else f"{ratio:.0f}"


def headlines(results):
    """How many times as fast as the standard library; the best of pysock and uvloop is bold."""
    yield "| | pysock | uvloop | C |"
    yield "|---|--:|--:|--:|"
    for group, rows in results.headlines().items():
        yield f"| **{group}** | | | |"
        for text, figure in rows.items():
            best = number(max(1.03, figure.pysock, figure.uvloop or 0))
            ours, uvloop = (
                f"**{shown}**" if shown == best else shown
                for shown in map(number, (figure.pysock, figure.uvloop))
            )
            lost = " (slower)" if figure.pysock < SLOWER else ""
            yield f"| {text} | {ours}{lost} | {uvloop} | {number(figure.c)} |"
    yield ""
    yield measured(results)


def measured(results):
    return f"Measured by `make bench` at commit `{results.commit}`: {results.machine}."


def beside(row):
    """Others that the row measures in pysock's place, uvloop for one."""
    stdlib = row["variants"]["stdlib"]["ns"]
    for name, series in row["variants"].items():
        if name not in VARIANTS:
            yield f"| {row['title']}: {name} there | {stdlib / series['ns']:.2f} | |"


def cells(row):
    ratio, share = row["ratio"], row["share_of_c"]
    # Within the noise of a run nothing was won and nothing lost.
    shown = number(ratio)
    marked = f"**{shown}**" if ratio > 1.03 else f"{shown} (slower)" if ratio < SLOWER else shown
    return f"| {row['title']} | {marked} | {'' if share is None else f'{100 * share:.0f} %'} |"


def operations(rows):
    yield "| operation | ratio | pysock's share of C's speed |"
    yield "|---|--:|--:|"
    for row in rows:
        yield cells(row)
        yield from beside(row)


def slower(rows):
    """The rows in which the standard library is faster."""
    lost = sorted((row for row in rows if row["ratio"] < SLOWER), key=lambda row: row["ratio"])
    yield "| operation | ratio |"
    yield "|---|--:|"
    for row in lost:
        yield f"| {row['title']} | {row['ratio']:.2f} |"


def loops(rows, columns, others):
    """Microseconds of CPU a request, and pysock's by those of each of *others*: under 1 it wins."""
    heads = [*(NAMES.get(column, column) for column in columns), *(f"to {each}" for each in others)]
    yield f"| | {' | '.join(heads)} |"
    yield f"|---|{'--:|' * len(heads)}"
    for name, costs in rows.items():
        shown = [
            figure(statistics.median(costs[loop])) if loop in costs else "" for loop in columns
        ]
        ratios = [compared(paired(costs, "pysock", other)) for other in others]
        yield f"| {' | '.join([name, *shown, *ratios])} |"


def figure(cost):
    return f"{cost:.1f}" if cost < 500 else f"{cost:.0f}"


def compared(ratio):
    return "" if ratio is None else f"**{ratio:.2f}**" if ratio > 1.03 else f"{ratio:.2f}"


def main(folder, root=ROOT):
    results, root = Results(Path(folder)), Path(root)
    write(root / "README.md", "headline", headlines(results))
    write(root / "docs" / "rows.md", "measured", [measured(results)])
    write(root / "docs" / "rows.md", "slower", slower(results.operations))
    write(root / "docs" / "rows.md", "benchmark", operations(results.operations))
    guide = root / "docs" / "guide"
    write(guide / "asyncio.md", "loops", loops(results.loops, LOOPS, ["uvloop"]))
    write(guide / "tls.md", "tls", loops(results.tls, TLS, ["uvloop", "aiofastnet"]))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
