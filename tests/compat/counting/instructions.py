"""Instructions in user space between a program's two marks, counted by callgrind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from table import Run

SOURCE = Path(__file__).with_name("marks.c")


def build(directory: Path) -> Path:
    library = directory / "marks.so"
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", library, SOURCE]
    subprocess.run(command, check=True)
    return library


def count(
    start: Callable[..., Run], directory: Path, marks: Path, *, keep: Path | None = None
) -> tuple[Run, float]:
    """*start* with a command before it and more variables; and the instructions of a request.

    *keep*: a directory for callgrind's files, for callgrind_annotate.
    """
    files = keep or directory
    for old in files.glob("callgrind.*"):
        old.unlink()
    run = start(
        [
            *("valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--fair-sched=yes"),
            f"--callgrind-out-file={files / 'callgrind.%p'}",
        ],
        {"LD_PRELOAD": str(marks), "PYTHONHASHSEED": "0"},
    )
    # Of every process: a worker that was forked has the marks, and its parent none.
    total = sum(map(total_of, files.glob("callgrind.*")))
    return run, total / max(1, run.requests)


def total_of(file: Path) -> int:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    return 0  # nothing was counted
