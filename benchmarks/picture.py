"""Draw the ratios of a result file as an SVG bar chart.

    python picture.py results/latest.json picture.svg

A bar to the right of the line is a win, to the left a loss; the scale is logarithmic. The ink
is a grey that can be read on light and on dark pages.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from headlines import by_section

WIDTH, LEFT, RIGHT, TOP, ROW = 860, 370, 24, 74, 20
INK, WIN, EVEN, LOSS = "#768390", "#2da44e", "#8c959f", "#d1242f"
TICKS = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
PARITY = 0.03  # a ratio this close to one is called even
FONT = "font-family='-apple-system,Segoe UI,Helvetica,Arial,sans-serif'"


class Scale:
    """From ratios to places on the page, by their logarithm."""

    def __init__(self, ratios: list[float]) -> None:
        low, high = min([*ratios, 1.0]), max([*ratios, 2.0])
        self.low = math.log(max(t for t in (0.1, *TICKS) if t <= low and t < 1))
        self.high = math.log(high * 1.05)

    def __call__(self, ratio: float) -> float:
        share = (math.log(ratio) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        return [tick for tick in TICKS if self.low <= math.log(tick) <= self.high]


def label(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 9.95 else f"{ratio:.0f}"


def colour(ratio: float) -> str:
    if abs(ratio - 1) <= PARITY:
        return EVEN
    return WIN if ratio > 1 else LOSS


def text(x: float, y: float, content: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def axis(scale: Scale, bottom: int) -> Iterator[str]:
    for tick in scale.ticks():
        x = scale(tick)
        stroke = 'stroke-width="1.5"' if tick == 1 else 'stroke-opacity="0.3"'
        place = f'x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"'
        yield f'<line {place} stroke="{INK}" {stroke}/>'
        yield text(x, TOP - 12, f"{tick:g}", 'text-anchor="middle"')


def bar(scale: Scale, y: int, row: dict[str, Any]) -> Iterator[str]:
    """The title, the bar from one to the ratio, the figure, and a notch where the floor is."""
    ratio, one = row["ratio"], scale(1)
    end = scale(ratio)
    middle = y + ROW / 2 + 4
    yield text(LEFT - 62, middle, row["title"], 'text-anchor="end"')
    yield (
        f'<rect x="{min(one, end):.1f}" y="{y + 3}" width="{max(abs(end - one), 1):.1f}" '
        f'height="{ROW - 6}" rx="2" fill="{colour(ratio)}"/>'
    )
    if row["floor"]:
        x = scale(row["floor"])
        yield (
            f'<line x1="{x:.1f}" y1="{y + 1}" x2="{x:.1f}" y2="{y + ROW - 1}" '
            f'stroke="{INK}" stroke-width="2"/>'
        )
    yield text(LEFT - 14, middle, label(ratio), 'text-anchor="end" font-weight="600"')


def draw(rows: list[dict[str, Any]], subtitle: str) -> str:
    rows = sorted(rows, key=lambda row: -row["ratio"])
    scale = Scale([value for row in rows for value in (row["ratio"], row["floor"] or 1)])
    bottom = TOP + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 16}" '
        f'width="{WIDTH}" height="{bottom + 16}" font-size="12" fill="{INK}" {FONT}>',
        text(
            16, 24, "pysock: how many times as fast as socket", 'font-size="16" font-weight="600"'
        ),
        text(16, 42, subtitle),
        *axis(scale, bottom),
    ]
    for number, row in enumerate(rows):
        parts += bar(scale, TOP + ROW * number, row)
    return "\n".join([*parts, "</svg>", ""])


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
    rows = [row for section in by_section(figures).values() for row in section]
    Path(target).write_text(draw(rows, subtitle))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
