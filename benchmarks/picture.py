"""Draw the pictures of a benchmark run.

    python benchmarks/picture.py benchmarks/results [FOLDER]

FOLDER (benchmarks/) gets picture.svg, the rows of the README as bars in the README's order, and
scaling.svg, what a request costs a server over the number of its connections.
"""

from __future__ import annotations

import math
import sys
import textwrap
from pathlib import Path

from headlines import Figure, Results

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from pysock._cli import chart  # noqa: E402
from pysock._cli.chart import MARGIN, WIDTH, Bar, text, vertical  # noqa: E402

TITLE = "How many times as fast as the standard library"
ROW, HEADING, STRIP = 40, 34, 4
LINES = {"asyncio": "even", "uvloop": "other", "pysock": "win"}  # the class of each loop's line
PLOT = (54, 96, WIDTH - 24, 350)  # left, top, right, bottom

# Text stands on the lines of the scale: a rim in the colour of the page keeps it readable.
HALO = """\
<style>
text { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
@media (prefers-color-scheme: dark) { text { stroke: #0d1117 } }
</style>"""


def page(height: float, title: str, subtitle: str, parts: list[str]) -> str:
    lines = textwrap.wrap(subtitle, chart.SUBTITLE)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" font-size="13" font-family="{chart.FONTS}" '
            f'role="img" style="max-width: 100%; height: auto">',
            f"<title>{chart.escaped(title)}</title>",
            chart.STYLE,
            HALO,
            f'<rect width="{WIDTH}" height="{height:.0f}" class="page"/>',
            text(MARGIN, 28, title, "ink", 'font-size="17" font-weight="600"'),
            *(text(MARGIN, 50 + 17 * at, line, "dim") for at, line in enumerate(lines)),
            *parts,
            "</svg>",
            "",
        ]
    )


def headlines(groups: dict[str, dict[str, Figure]], machine: str) -> str:
    """Bars by group: pysock's, and below it a strip for uvloop where it was measured."""
    subtitle = (
        f"{machine}. The strip below a bar is uvloop's. Left of the line the standard library is "
        "faster. The scale is logarithmic."
    )
    top = 62 + 17 * len(textwrap.wrap(subtitle, chart.SUBTITLE))
    figures = [figure for rows in groups.values() for figure in rows.values()]
    scale = chart.Scale([ratio for each in figures for ratio in each[:2] if ratio])
    bottom = top + HEADING * len(groups) + ROW * len(figures) + 4
    parts, at = list(chart.axis(scale, top, bottom)), top
    for group, rows in groups.items():
        parts.append(text(MARGIN, at + 26, group, "ink", 'font-weight="700"'))
        at += HEADING
        for title, figure in rows.items():
            note = f"uvloop {chart.label(figure.uvloop)}" if figure.uvloop else ""
            parts += chart.drawn(Bar(title, figure.pysock, note), scale, at)
            if figure.uvloop:
                left, right = sorted((scale(1), scale(figure.uvloop)))
                parts.append(
                    f'<rect x="{left:.1f}" y="{at + 32}" width="{max(right - left, 1):.1f}" '
                    f'height="{STRIP}" rx="1" class="other"/>'
                )
            at += ROW
    return page(bottom + 30, TITLE, subtitle, parts)


def ceiling(highest: float) -> tuple[float, float]:
    """The end of the axis and the distance of its marks: round numbers."""
    power = 10 ** math.floor(math.log10(highest))
    step = next(each * power for each in (0.2, 0.5, 1, 2) if highest / (each * power) <= 6)
    return math.ceil(highest / step) * step, step


def scaling(costs: dict[str, dict[str, float]], machine: str) -> str:
    """A line for each loop: CPU a request over the number of connections."""
    left, top, right, bottom = PLOT
    counts = sorted(int(count) for count in costs["pysock"])
    span = math.log(counts[-1] / counts[0])
    highest, step = ceiling(max(cost for line in costs.values() for cost in line.values()))

    def x(count: int) -> float:
        return left + 14 + (right - left - 28) * math.log(count / counts[0]) / span

    def y(cost: float) -> float:
        return bottom - (bottom - top) * cost / highest

    parts = []
    for mark in range(round(highest / step) + 1):
        at = y(mark * step)
        parts.append(f'<line x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" class="line"/>')
        parts.append(text(left - 8, at + 4, f"{mark * step:g}", "dim", 'text-anchor="end"'))
    for count in counts:
        parts.append(vertical(x(count), bottom, bottom + 5, "one"))
        parts.append(text(x(count), bottom + 20, f"{count:,}", "dim", 'text-anchor="middle"'))
    parts.append(
        text((left + right) / 2, bottom + 40, "connections", "dim", 'text-anchor="middle"')
    )
    for place, loop in enumerate(name for name in LINES if name in costs):
        points = [(x(count), y(costs[loop][str(count)])) for count in counts]
        path = "M" + " L".join(f"{each:.1f} {at:.1f}" for each, at in points)
        parts.append(f'<path d="{path}" class="{LINES[loop]} curve"/>')
        for each, at in points:
            parts.append(f'<circle cx="{each:.1f}" cy="{at:.1f}" r="3.5" class="{LINES[loop]}"/>')
        legend = left + 14 + 110 * place
        parts.append(f'<circle cx="{legend}" cy="{top - 14}" r="5" class="{LINES[loop]}"/>')
        parts.append(text(legend + 11, top - 9.5, loop))
    return page(
        bottom + 52,
        "CPU a request over the number of connections",
        f"Echo server of 64 B, microseconds of its process. {machine}.",
        [CURVE, *parts],
    )


# A line has the colour that its points are filled with.
CURVE = """\
<style>
.curve { fill: none; stroke-width: 2.5 }
.win.curve { stroke: #1a7f37 } .even.curve { stroke: #818b98 } .other.curve { stroke: #0969da }
@media (prefers-color-scheme: dark) {
.win.curve { stroke: #3fb950 } .even.curve { stroke: #9198a1 } .other.curve { stroke: #4493f8 }
}
</style>"""


def main(source: str, target: str | Path = HERE) -> None:
    results = Results(Path(source))
    without = "" if results.run["pysock"]["backend"] == "c" else "WITHOUT THE EXTENSION. "
    machine = without + results.machine
    Path(target, "picture.svg").write_text(headlines(results.headlines(), machine))
    Path(target, "scaling.svg").write_text(scaling(results.scaling, machine))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
