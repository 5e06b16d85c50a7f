"""Draw ratios as bars, as one SVG without scripts and fonts of its own.

A bar to the right of the line is a win, to the left a loss; the scale is logarithmic. Titles stand
above their bars, so the picture is narrow: its text can be read where it is shown 400 pixels wide.
"""

import math
import re
import textwrap
from html import escape
from typing import NamedTuple

WIDTH, MARGIN, ROW, BAR = 560, 16, 34, 10
FONTS = "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"
PARITY = 0.03  # a ratio this close to one is called even
SUBTITLE = 78  # characters in a line
NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """\
<style>
.page { fill: #ffffff } .ink { fill: #1f2328 } .dim { fill: #59636e }
.win { fill: #1a7f37 } .even { fill: #818b98 } .loss { fill: #d1242f } .other { fill: #0969da }
.line { stroke: #d1d9e0 } .one, .floor { stroke: #59636e; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .ink { fill: #f0f6fc } .dim { fill: #9198a1 }
.win { fill: #3fb950 } .even { fill: #9198a1 } .loss { fill: #f85149 } .other { fill: #4493f8 }
.line { stroke: #3d444d } .one, .floor { stroke: #9198a1 }
}
</style>"""


class Bar(NamedTuple):
    title: str
    ratio: float | None  # None: there is no bar, only the title and the note
    note: str = ""
    floor: float | None = None  # a notch
    other: bool = False  # not of this package


class Scale:
    """From ratios to places on the page, by their logarithm."""

    def __init__(self, ratios):
        self.low = math.log(min([*ratios, 0.9]) / 1.1)
        self.high = math.log(max([*ratios, 1.9]) * 1.1)

    def __call__(self, ratio):
        share = (math.log(ratio) - self.low) / (self.high - self.low)
        return MARGIN + share * (WIDTH - 2 * MARGIN)

    def ticks(self):
        few = (1,) if self.high - self.low > math.log(1e5) else (1, 2, 5)
        powers = range(math.floor(self.low / math.log(10)), math.ceil(self.high / math.log(10)))
        ticks = [digit * 10.0**power for power in powers for digit in few]
        return [tick for tick in ticks if self.low <= math.log(tick) <= self.high]


def label(ratio):
    return f"{ratio:.2f}" if ratio < 9.95 else f"{ratio:.0f}"


def kind(bar):
    if bar.other:
        return "other"
    if abs(bar.ratio - 1) <= PARITY:
        return "even"
    return "win" if bar.ratio > 1 else "loss"


def escaped(content):
    return escape(NO_XML.sub("\ufffd", content))


def text(x, y, content, of="ink", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{of}" {extra}>{escaped(content)}</text>'


def vertical(x, top, bottom, of):
    return f'<line x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}" class="{of}"/>'


def axis(scale, top, bottom):
    for tick in scale.ticks():
        x = scale(tick)
        yield vertical(x, top, bottom, "one" if tick == 1 else "line")
        for y in (top - 6, bottom + 14):
            yield text(x, y, f"{tick:g}", "dim", 'text-anchor="middle"')


def drawn(bar, scale, top):
    """Yield the title and the figures, below them the bar from one to the ratio, and the floor."""
    yield text(MARGIN, top + 16, bar.title)
    end = WIDTH - MARGIN
    if bar.ratio is None:
        yield text(end, top + 16, bar.note, "dim", 'text-anchor="end"')
        return
    yield text(end, top + 16, label(bar.ratio), "ink", 'text-anchor="end" font-weight="600"')
    if bar.note:
        yield text(end - 52, top + 16, bar.note, "dim", 'text-anchor="end"')
    left, right = sorted((scale(1), scale(bar.ratio)))
    yield (
        f'<rect x="{left:.1f}" y="{top + 20}" width="{max(right - left, 1):.1f}" '
        f'height="{BAR}" rx="2" class="{kind(bar)}"/>'
    )
    if bar.floor:
        yield vertical(scale(bar.floor), top + 18, top + 22 + BAR, "floor")


def draw(bars, title, subtitle):
    """Return the picture. *subtitle* is a list of paragraphs."""
    lines = [line for each in subtitle for line in textwrap.wrap(each, SUBTITLE)]
    scale = Scale([ratio for bar in bars for ratio in (bar.ratio, bar.floor) if ratio])
    top = 62 + 17 * len(lines)
    bottom = top + ROW * len(bars) + 4
    height = bottom + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-size="13" font-family="{FONTS}" role="img" '
        f'style="max-width: 100%; height: auto">',
        f"<title>{escaped(title)}</title>",
        STYLE,
        f'<rect width="{WIDTH}" height="{height}" class="page"/>',
        text(MARGIN, 28, title, "ink", 'font-size="17" font-weight="600"'),
        *(text(MARGIN, 50 + 17 * at, line, "dim") for at, line in enumerate(lines)),
        *axis(scale, top, bottom),
    ]
    for number, bar in enumerate(bars):
        parts += drawn(bar, scale, top + ROW * number)
    return "\n".join([*parts, "</svg>", ""])
