"""Write the README's table from a benchmark run: no figure in it is typed by hand.

python benchmarks/readme_table.py benchmarks/results/latest.json README.md
"""

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- benchmark table -->", "<!-- end of the benchmark table -->"


def lines(figures):
    yield "| operation | ratio | pysock's share of C's speed |"
    yield "|---|--:|--:|"
    for row in figures:
        ratio, share = row["ratio"], row["share_of_c"]
        shown = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
        # Within the noise of a run nothing was won and nothing lost.
        marked = f"**{shown}**" if ratio > 1.03 else f"{shown} (slower)" if ratio < 0.97 else shown
        yield f"| {row['title']} | {marked} | {'' if share is None else f'{100 * share:.0f} %'} |"


def main(results, readme):
    benchmarks = json.loads(Path(results).read_text())["benchmarks"]
    figures = [one["extra_info"] for one in benchmarks if "ratio" in one["extra_info"]]
    text = Path(readme).read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join(lines(figures))
    Path(readme).write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    main(*sys.argv[1:])
