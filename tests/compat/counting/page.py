"""The tables of docs/programs.md: no figure in them is typed by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from catalogue import PROGRAMS, Program
from counting.counts import PYSOCK, SOCKET, Counted, Counts
from counting.guard import CALLS, dearer
from ways import ROOT, UVLOOP

sys.path.append(str(ROOT / "docs"))
import marked_table


def line(program: Program, counted: Counted) -> str:
    """What is told while the programs are counted."""
    cells = [
        f"{way}: {counts.instructions} instructions, {counts.system_calls:.2f} calls"
        for way, counts in counted.ways.items()
    ]
    return f"{program.name}: " + "; ".join([*cells, *(f"MORE: {t}" for t in dearer(counted))])


def thousands(instructions: float) -> str:
    return f"{instructions / 1000:.1f}"


def switches(counts: Counts) -> str:
    if counts.voluntary is None or counts.involuntary is None:
        return ""
    return f"{counts.voluntary:.1f} + {counts.involuntary:.1f}"


def ratio(before: float, after: float) -> str:
    if not before:
        return ""
    return f"{after / before:.2f}"


def counts_table(found: dict[str, Counted]) -> Iterator[str]:
    instructions = "k instructions: `socket` | pysock | ratio | uvloop"
    calls = "system calls: `socket` | pysock | uvloop"
    yield f"| program | with | {instructions} | {calls} | CPU time |"
    yield f"|---|---|{'--:|' * 8}"
    for program in PROGRAMS:
        if program.name not in found:
            yield f"| {program.name} | {program.exercised} | not counted | | | | | | | |"
            continue
        counted = found[program.name]
        before, after = counted.ways[SOCKET], counted.ways[PYSOCK]
        uvloop = counted.ways.get(UVLOOP)
        cells = [
            program.name,
            program.exercised,
            thousands(before.instructions),
            thousands(after.instructions),
            ratio(before.instructions, after.instructions),
            thousands(uvloop.instructions) if uvloop else "",
            f"{before.system_calls:.2f}",
            f"{after.system_calls:.2f}",
            f"{uvloop.system_calls:.2f}" if uvloop else "",
            f"{1 / counted.cpu:.2f}" if counted.cpu else "",
        ]
        yield f"| {' | '.join(cells)} |"


def waits_table(found: dict[str, Counted]) -> Iterator[str]:
    futex, switched = "futex waits: `socket` | pysock", "context switches: `socket` | pysock"
    yield f"| program | {futex} | {switched} | system calls that differ |"
    yield f"|---|{'--:|' * 4}---|"
    for program in PROGRAMS:
        if program.name in found:
            before, after = (found[program.name].ways[way] for way in (SOCKET, PYSOCK))
            cells = [
                program.name,
                f"{before.futex_waits:.2f}",
                f"{after.futex_waits:.2f}",
                switches(before),
                switches(after),
                differing(before, after),
            ]
            yield f"| {' | '.join(cells)} |"


def differing(before: Counts, after: Counts) -> str:
    names = sorted((before.calls.keys() | after.calls.keys()) - {"futex"})
    changes = {name: after.calls.get(name, 0) - before.calls.get(name, 0) for name in names}
    return ", ".join(f"{n} {change:+.2f}" for n, change in changes.items() if abs(change) >= CALLS)


def dearer_list(found: dict[str, Counted]) -> Iterator[str]:
    rows = [(p.name, dearer(found[p.name])) for p in PROGRAMS if p.name in found]
    lines = [f"- {name}: {', '.join(texts)}" for name, texts in rows if texts]
    yield from lines or ["None."]


def write(path: Path, found: dict[str, Counted]) -> None:
    marked_table.write(path, "programs", counts_table(found))
    marked_table.write(path, "waits", waits_table(found))
    marked_table.write(path, "dearer", dearer_list(found))
