"""Draw the ratios of a result file as an SVG bar chart, as `python -m pysock --bench --svg` does.

python picture.py results/latest.json picture.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from headlines import by_section

sys.path.append(str(Path(__file__).resolve().parents[1]))
from pysock._cli.chart import Bar, draw

TITLE = "pysock: how many times as fast as socket"


def main(source: str, target: str) -> None:
    result = json.loads(Path(source).read_text())
    machine = result["machine_info"]
    subtitle = (
        f"{machine['python_implementation']} {machine['python_version']}, "
        f"{machine['system']} {machine['release'].partition('-')[0]}. "
        "The notch is the promised floor; the scale is logarithmic."
    )
    if result["pysock"]["backend"] != "c":
        subtitle = f"WITHOUT THE EXTENSION. {subtitle}"
    figures = [entry["extra_info"] for entry in result["benchmarks"]]
    bars = [
        Bar(row["title"], row["ratio"], floor=row["floor"])
        for section in by_section(figures).values()
        for row in section
    ]
    bars.sort(key=lambda bar: -bar.ratio)
    Path(target).write_text(draw(bars, TITLE, [subtitle]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
