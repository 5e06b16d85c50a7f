"""One run of one program: as it is, under `python -m pysock`, or with install() before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from catalogue import Program
from table import Run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "programs"

LIMIT = 120  # seconds

# How each way starts a program, and what it puts first on the path.
WAYS: dict[str, tuple[list[str], list[Path]]] = {
    "socket": ([], []),
    "-m pysock": (["-m", "pysock"], []),
    "install()": ([], [HERE / "with_install"]),
}
CLASS_OF = {"socket": "socket", "-m pysock": "pysock", "install()": "pysock"}


def variables(first: list[Path], found: dict[str, str]) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    kept.pop("PYTHONWARNINGS", None)
    return {**kept, **found, "PYTHONPATH": os.pathsep.join(map(str, [*first, ROOT]))}


def run(python: str, program: Program, way: str, requests: int, found: dict[str, str]) -> Run:
    options, first = WAYS[way]
    path = PROGRAMS / f"{program.name}.py"
    process = subprocess.Popen(
        [python, *options, str(path), str(requests)],
        env=variables(first, found),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that what it started ends with it
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        return Run(failure=f"not done in {LIMIT} s\n{output}{errors}")
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
