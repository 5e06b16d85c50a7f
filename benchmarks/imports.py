"""What `import pysock` costs over `import socket`: CPU time, and the modules that it brings.

    python benchmarks/imports.py             milliseconds of CPU, for both backends
    python benchmarks/imports.py --guard     compare the modules with imports.json; fails on others
    python benchmarks/imports.py --update    write the modules of this interpreter into imports.json

Each figure is the median of RUNS processes. The processes of all variants alternate. Their bytecode
is compiled before, as it is in an installation.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.variants import SWITCH
from instructions import interpreter

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".json")
RUNS = 31
MAX_MS = 8.0
BACKENDS = {"c": "", "stdlib": "1"}  # and what SWITCH is to be for each

NEW_MODULES = """
import sys, socket
before = set(sys.modules)
import pysock
assert pysock.BACKEND == {backend!r}, pysock.BACKEND
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("_cython_")))
"""


def run(code: str, switch: str, bytecode: str) -> tuple[str, float]:
    """Run *code* in a process of its own: what it prints, and its CPU time in milliseconds."""
    environment = {name: value for name, value in os.environ.items() if name != SWITCH}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": bytecode}
    if switch:
        environment[SWITCH] = switch
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"this failed:\n{code}")
    return said, 1e3 * (usage.ru_utime + usage.ru_stime)


def modules(bytecode: str) -> dict[str, list[str]]:
    """The modules that `import pysock` adds to those of `import socket`, for each backend."""
    return {
        backend: run(NEW_MODULES.format(backend=backend), switch, bytecode)[0].split()
        for backend, switch in BACKENDS.items()
    }


def cpu(bytecode: str) -> dict[str, float]:
    """Milliseconds of CPU: of `import socket`, and what `import pysock` takes more than that."""
    variants = {"nothing": ("pass", ""), "socket": ("import socket", "")}
    for backend, switch in BACKENDS.items():
        variants[backend] = ("import socket, pysock", switch)
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(RUNS):
        for name, (code, switch) in variants.items():
            times[name].append(run(code, switch, bytecode)[1])
    medians = {name: statistics.median(series) for name, series in times.items()}
    costs = {backend: medians[backend] - medians["socket"] for backend in BACKENDS}
    return {"socket": medians["socket"] - medians["nothing"], **costs}


def others(now: dict[str, list[str]], known: dict[str, list[str]]) -> list[str]:
    """What differs between the modules *now* and those of the table, a line each."""
    lines = []
    for backend in BACKENDS:
        new = set(now[backend]) - set(known[backend])
        gone = set(known[backend]) - set(now[backend])
        lines += [f"{backend}: {name} is imported now" for name in sorted(new)]
        lines += [f"{backend}: {name} is no longer imported" for name in sorted(gone)]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--guard", action="store_true", help="compare with imports.json")
    choice.add_argument("--update", action="store_true", help="rewrite this interpreter's list")
    options = parser.parse_args()
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    with tempfile.TemporaryDirectory() as bytecode:
        now = modules(bytecode)  # and now there is bytecode
        if options.update:
            table[interpreter()] = now
            TABLE.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
        elif options.guard:
            known = table.get(interpreter())
            if known is None:
                sys.exit(f"imports.json has no {interpreter()}: run with --update on it once")
            if differences := others(now, known):
                sys.exit("\n".join(differences))
            print(f"modules of `import pysock`: {', '.join(f'{len(now[b])} ({b})' for b in now)}")
        else:
            costs = cpu(bytecode)
            print(f"{'CPU over `import socket`, ms':32} {'modules':>8} {'ms':>6} {'at most':>8}")
            for backend in BACKENDS:
                figures = f"{len(now[backend]):8} {costs[backend]:6.1f} {MAX_MS:8.1f}"
                print(f"backend {backend:24} {figures}")
            # It tells a slow machine from a slow import.
            print(f"{'`import socket` itself':41} {costs['socket']:6.1f}")


if __name__ == "__main__":
    main()
