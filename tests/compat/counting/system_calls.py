"""System calls between a program's two marks, by name, as strace sees them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from table import Run

CALL = re.compile(r"\d+ +(\w+)\(")  # not `<... name resumed>`, which is the end of one
MARK = "getpriority"


def count(start: Callable[..., Run], directory: Path) -> tuple[Run, Counter[str]]:
    """*start* with a command before it; the calls of all requests, FUTEX_WAIT among them."""
    log = directory / "strace"
    # A client in a process of its own is let go when it becomes another program.
    options = ["--follow-forks", "--detach-on=execve", "--signal=none", "--string-limit=0"]
    run = start(["strace", *options, f"--output={log}"], {"PYTHONHASHSEED": "0"})
    with log.open(encoding="utf-8", errors="replace") as lines:
        return run, calls(lines)


def calls(lines: Iterable[str]) -> Counter[str]:
    """Between the first two marks; those of threads and of forked processes, too."""
    found: Counter[str] = Counter()
    marks = 0
    for line in lines:
        if not (match := CALL.match(line)):
            continue
        name = match[1]
        if name == MARK:
            marks += 1
        elif marks == 1:
            found[name] += 1
            if name == "futex" and "FUTEX_WAIT" in line:
                found["FUTEX_WAIT"] += 1
    return found
