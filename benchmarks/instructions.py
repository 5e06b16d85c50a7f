"""The regression guard: instructions per operation, counted by valgrind and not timed.

    python instructions.py            compare with instructions.json; fails if a count has grown
    python instructions.py --update   write the counts of this interpreter into the table

One valgrind run a variant counts every path: the worker runs a loop n times, then 2n times,
and the difference is what n operations cost in user space. Callgrind writes its counters down
whenever ``getpriority`` is called, which nothing else in the worker does.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.programs import environment
from harness.row import Row
from harness.variants import PYSOCK, STDLIB, open_here, socket_module

TABLE = Path(__file__).with_suffix(".json")
N = 200  # passes; a multiple of what caches and free lists take to settle
HOTTEST = (
    ("bench_stream", "send-recv-64-b-blocking"),
    ("bench_stream", "send-recv-64-b-timeout"),
    ("bench_stream", "send-recv-into-64-b-timeout"),
    ("bench_stream", "sendall-recv-into-64-b-blocking"),
    ("bench_stream", "recv-262144-of-64-b-warm-heap"),
    ("bench_datagram", "udp-sendto-recvfrom-64-b-blocking"),
    ("bench_connection", "recv-blockingioerror"),
    ("bench_connection", "sock-family"),
    ("bench_file", "makefile-readline-of-64-b-timeout"),
    ("bench_names", "getaddrinfo-numeric-ipv4"),
    ("bench_selector", "select-1-ready"),
    ("bench_selector", "select-100-ready"),
    ("bench_selector", "register-unregister"),
)


def find(module: str, name: str) -> tuple[Callable, Row]:
    """The benchmark's body and the row of that name."""
    for bench in vars(importlib.import_module(module)).values():
        for row in getattr(bench, "rows", ()):
            if row.name == name:
                return bench.body, row
    raise LookupError(f"{module} has no row {name}")


def work(variant: str) -> None:
    """The worker, under valgrind: three dumps a path, of which the last two count."""

    def dump() -> None:
        os.getpriority(os.PRIO_PROCESS, 0)

    gc.disable()
    for path in HOTTEST:
        body, row = find(*path)
        with open_here(body, row, variant) as run:
            run(N)
            dump()
            run(N)
            dump()
            run(2 * N)
            dump()


def total(dump: Path) -> int:
    for line in dump.read_text().splitlines():
        if line.startswith(("summary:", "totals:")):
            return int(line.split()[1])
    raise ValueError(f"{dump} has no total")


def count(variant: str) -> dict[str, float]:
    """Instructions per operation of every path."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "dump")
        options = ["--tool=callgrind", "--dump-before=getpriority", f"--callgrind-out-file={out}"]
        worker = [sys.executable, __file__, "--worker", variant]
        env = environment(variant) | {"PYTHONHASHSEED": "0"}
        run = subprocess.run(
            ["valgrind", "-q", *options, *worker], env=env, capture_output=True, text=True
        )
        if run.returncode:
            sys.exit(f"{' '.join(run.args)} failed:\n{run.stderr}")
        counts = {}
        for number, (_, name) in enumerate(HOTTEST):
            once, twice = (total(Path(f"{out}.{3 * number + part}")) for part in (2, 3))
            counts[name] = round((twice - once) / N, 1)
        return counts


def interpreter() -> str:
    """The key in the table: counts differ by version and by processor."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation().lower()}-{version}-{platform.machine()}"


def grown(now: dict[str, float], known: dict[str, float], tolerance: float) -> bool:
    """Whether pysock's path has grown.

    Where the standard library's count differs from the table, too, the interpreter was built
    in another way than the table's; then the share of the standard library is what is compared.
    """
    same_build = abs(now[STDLIB] / known[STDLIB] - 1) <= tolerance
    scale = 1.0 if same_build else now[STDLIB] / known[STDLIB]
    return now[PYSOCK] > known[PYSOCK] * scale * (1 + tolerance)


def report(counts: dict[str, dict[str, float]], known: dict, tolerance: float) -> list[str]:
    """Print the table; return the names of the paths that have grown."""
    print(f"{'instructions per pass':44} {'stdlib':>9} {'pysock':>9} {'share':>6} {'table':>9}")
    worse = []
    for name, now in counts.items():
        before = known.get(name)
        mark = ""
        if before and grown(now, before, tolerance):
            worse.append(name)
            mark = "  GROWN"
        share = f"{100 * now[PYSOCK] / now[STDLIB]:.0f}%"
        table = f"{before[PYSOCK]:.0f}" if before else "-"
        print(f"{name:44} {now[STDLIB]:9.0f} {now[PYSOCK]:9.0f} {share:>6} {table:>9}{mark}")
    return worse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="rewrite this interpreter's counts")
    parser.add_argument("--tolerance", type=float, default=0.05, help="growth allowed (0.05)")
    parser.add_argument("--worker", metavar="VARIANT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed")
    if (backend := socket_module(PYSOCK).BACKEND) != "c":
        sys.exit(f"pysock.BACKEND is {backend!r}: there is nothing to guard")
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    known = table.get(interpreter(), {})
    by_variant = {variant: count(variant) for variant in (STDLIB, PYSOCK)}
    counts = {name: {v: by_variant[v][name] for v in by_variant} for _, name in HOTTEST}
    worse = report(counts, {} if options.update else known, options.tolerance)
    if options.update:
        table[interpreter()] = counts
        TABLE.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
    elif not known:
        sys.exit(f"the table has no {interpreter()}: run with --update on it once")
    elif worse:
        sys.exit(f"more instructions than the table allows: {', '.join(worse)}")


if __name__ == "__main__":
    main()
