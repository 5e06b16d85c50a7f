"""The rows of pysock in this tree beside those of another one, built for the same interpreter.

    python benchmarks/pairs.py TREE [--rounds N] [WORD ...]    rows with one of these words

Both run in processes of their own, a block each in turn. The figure is the median of the ratios of
neighbouring blocks, over several pairs of processes: above 1, this tree is faster. Whole programs
are not among the rows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.row import PROGRAM, Row

HERE = Path(__file__).resolve().parent
BLOCK_MS = 8.0
SETUPS = 3  # pairs of processes: addresses, and with them the use of caches, differ


class Worker:
    """A process of *tree* that runs blocks of a row."""

    def __init__(self, tree: Path, module: str, function: str, row: Row) -> None:
        path = os.pathsep.join([str(tree), str(tree / "benchmarks")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.worker", "pysock", row.heap or "none", module, function]
            + [row.name],
            cwd=tree / "benchmarks",
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def ns(self, passes: int) -> float:
        """The time of a pass, in a block of *passes*."""
        self.process.stdin.write(f"{passes}\n")
        self.process.stdin.flush()
        ns, done, _ = json.loads(self.process.stdout.readline())
        return ns / (done or passes)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def rows(words: list[str]) -> Iterator[tuple[str, str, Row]]:
    for path in sorted(HERE.glob("bench_*.py")):
        module = importlib.import_module(path.stem)
        for function, bench in vars(module).items():
            for row in getattr(bench, "rows", ()):
                wanted = not words or any(word in row.name for word in words)
                if wanted and row.where != PROGRAM:
                    yield path.stem, function, row


def ratios(tree: Path, module: str, function: str, row: Row, rounds: int) -> list[float]:
    """What a pass takes in *tree*, by what it takes here, for each of the rounds."""
    found = []
    for _ in range(SETUPS):
        there, here = (Worker(each, module, function, row) for each in (tree, HERE.parent))
        passes = 1
        while here.ns(passes) * passes < BLOCK_MS * 2e5 and passes < 1 << 20:
            passes *= 4
        passes = max(1, int(passes * BLOCK_MS * 1e6 / max(here.ns(passes) * passes, 1)))
        for index in range(rounds):
            first, second = (there, here) if index % 2 else (here, there)
            times = {first: first.ns(passes), second: second.ns(passes)}
            found.append(times[there] / times[here])
        there.close()
        here.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--rounds", type=int, default=15, help="of each pair of processes")
    options = parser.parse_intermixed_args()
    tree = options.tree.resolve()
    begin = time.monotonic()
    print(f"{'faster by':>9}  {'half of the rounds within':25}  row")
    for module, function, row in rows(options.words):
        found = sorted(ratios(tree, module, function, row, options.rounds))
        quarter = len(found) // 4
        within = f"{found[quarter]:.3f} to {found[-1 - quarter]:.3f}"
        print(f"{statistics.median(found):9.3f}  {within:25}  {row.title}", flush=True)
    print(f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
