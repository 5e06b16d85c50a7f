"""The figures for people: one line a row, in a hundred columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from harness.variants import VARIANTS

HEADER = ("operation", "C", "stdlib", "pysock", "fallback", "ratio", "of C", "+-", "promise")
FORMAT = "{:43.43} {:>7} {:>7} {:>7} {:>8} {:>6} {:>4} {:>3} {:>6}"
NEVER_BELOW = 0.97  # no row may fall below this, whatever it promises


def duration(ns: float | None) -> str:
    """Three digits and a unit."""
    if ns is None:
        return "-"
    unit, size = ("ns", 1.0) if ns < 999.5 else ("us", 1e3) if ns < 999.5e3 else ("ms", 1e6)
    value = ns / size
    digits = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    return f"{value:.{digits}f}{unit}"


def promised(figures: dict[str, Any]) -> str:
    """The floor with what became of it: ``<`` missed, ``>`` kept, ``>>`` the aim reached."""
    floor, aim, ratio = figures["floor"], figures["aim"], figures["ratio"]
    if floor is None:
        return f"<{NEVER_BELOW}" if ratio < NEVER_BELOW else ""
    if ratio < floor:
        return f"<{floor:g}"
    return f">>{aim:g}" if aim is not None and ratio >= aim else f">{floor:g}"


def _line(figures: dict[str, Any]) -> str:
    best = {name: series["ns"] for name, series in figures["variants"].items()}
    share = figures["share_of_c"]
    ratio = figures["ratio"]
    return FORMAT.format(
        figures["title"],
        *(duration(best.get(variant)) for variant in VARIANTS),
        f"{ratio:.2f}" if ratio < 99.5 else f"{ratio:.0f}",
        "-" if share is None else f"{100 * share:.0f}%",
        f"{100 * figures['spread']:.0f}%",
        promised(figures),
    ).rstrip()


def _notes(figures: dict[str, Any]) -> Iterator[str]:
    kept = {
        name: series["kept"]
        for name, series in figures["variants"].items()
        if series["kept"] is not None
    }
    if kept:
        shares = ", ".join(f"{name} {100 * share:.0f}%" for name, share in kept.items())
        yield f"  {figures['title']}: the computing thread keeps {shares} of its speed"
    stdlib = figures["variants"]["stdlib"]["ns"]
    for name, series in figures["variants"].items():
        if name not in VARIANTS:
            ratio = stdlib / series["ns"]
            yield f"  {figures['title']}: {name} {duration(series['ns'])}, ratio {ratio:.2f}"


def render(table: Iterable[dict[str, Any]]) -> str:
    """The whole table with its legend."""
    table = list(table)
    header = FORMAT.format(*HEADER)
    lines = [header, "-" * len(header), *map(_line, table), ""]
    lines += [
        "Times: best block, per operation. ratio: stdlib / pysock. of C: C / pysock.",
        "+-: how far the ratio differs between the even and the odd rounds.",
        "promise: > kept, >> the aim as well, < missed.",
    ]
    notes = [note for figures in table for note in _notes(figures)]
    if notes:
        lines += ["", *notes]
    missed = [figures for figures in table if promised(figures).startswith("<")]
    lines += ["", f"{len(table)} rows, {len(missed)} below their promise."]
    return "\n".join(lines)
