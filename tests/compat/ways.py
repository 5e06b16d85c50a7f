"""One run of one program: as it is, under `python -m pysock`, or with install() before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from catalogue import Program
from table import Run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "programs"

LIMIT = 120  # seconds
UNDER = 4  # times as long for a program that another one looks on

# How each way starts a program, and what it puts first on the path.
WAYS: dict[str, tuple[list[str], list[Path]]] = {
    "socket": ([], []),
    "-m pysock": (["-m", "pysock"], []),
    "install()": ([], [HERE / "with_install"]),
}
# What count.py has beside them: where a program is asyncio's, what else makes its loop faster.
UVLOOP = "uvloop"
# What suites.py has beside them: the loop that `new_event_loop()` makes.
COALESCED = "install(coalesce_writes=True)"
STARTS = {
    **WAYS,
    UVLOOP: ([], [HERE / "with_uvloop"]),
    COALESCED: ([], [HERE / "with_coalesced_writes"]),
}
CLASS_OF = dict.fromkeys(STARTS, "pysock") | {"socket": "socket", UVLOOP: "socket"}


def variables(first: list[Path], found: dict[str, str]) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    kept.pop("PYTHONWARNINGS", None)
    return {**kept, **found, "PYTHONPATH": os.pathsep.join(map(str, [*first, ROOT]))}


def run(
    python: str,
    program: Program,
    way: str,
    requests: int,
    found: dict[str, str],
    under: Sequence[str] = (),
) -> Run:
    """*under*: the command that runs the program, and looks on, as valgrind and strace do."""
    options, first = STARTS[way]
    limit = LIMIT * (UNDER if under else 1)
    path = PROGRAMS / f"{program.name}.py"
    process = subprocess.Popen(
        [*under, python, *options, str(path), str(requests)],
        env=variables(first, found),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that what it started ends with it
    )
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return Run(failure=f"not done in {limit} s\n{output}{errors}")
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    if process.returncode:
        return Run(failure=f"exit status {process.returncode}\n{output}{errors}")
    try:
        done = json.loads(output)
    except ValueError:
        return Run(failure=f"its figures are not JSON\n{output}{errors}")
    expected = CLASS_OF[way] if not program.replaced_by else program.replaced_by
    if done.pop("socket") != expected:
        return Run(failure=f"its socket class is not that of {expected}\n{output}{errors}")
    return Run(**done, said=errors)
