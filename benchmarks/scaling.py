"""What a request costs a server with 1 to 10,000 connections: asyncio's loop, pysock's, uvloop's.

    python benchmarks/scaling.py [--rounds N] [--quick] [--json FILE]

The figure is the CPU time of the server's process for an echo of 64 bytes by a protocol, in
microseconds, system calls included. Each connection has a message on its way. The clients are in C.
In a round each loop serves each number of connections; the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
from contextlib import ExitStack
from pathlib import Path

from loops import Row, Server, echo, raise_limit

LOOPS = ["asyncio", "pysock", "uvloop"]
CONNECTIONS = [1, 10, 100, 1_000, 10_000]
REQUESTS = 30_000  # of a round, and 8,000 with one connection: there each waits for the one before
DESCRIPTORS = 100  # that a process has beside its connections


def cost(loop: str, connections: int, quick: bool) -> float:
    """Microseconds of CPU a request, with a server and connections of its own."""
    n = (8_000 if connections == 1 else REQUESTS) // (10 if quick else 1)
    with ExitStack() as stack:
        server = Server(Row("protocols", echo(connections), n), loop, stack)
        server.cost(max(n // 4, connections))
        return server.cost(max(n, connections))


def measured(loops: list[str], rounds: int, quick: bool) -> dict[str, dict[str, float]]:
    limit = raise_limit()
    counts = CONNECTIONS[:3] if quick else CONNECTIONS
    if limit != resource.RLIM_INFINITY and limit < counts[-1] + DESCRIPTORS:
        raise SystemExit(f"ulimit -n is {limit}: {counts[-1]} connections need more")
    costs: dict[str, dict[str, list[float]]] = {
        loop: {str(count): [] for count in counts} for loop in loops
    }
    for number in range(rounds):
        for count in counts:
            for loop in loops[number % len(loops) :] + loops[: number % len(loops)]:
                costs[loop][str(count)].append(cost(loop, count, quick))
    return {
        loop: {count: statistics.median(each) for count, each in of_loop.items()}
        for loop, of_loop in costs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few requests: does it run at all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    loops = [name for name in LOOPS if name != "uvloop" or importlib.util.find_spec("uvloop")]
    costs = measured(loops, 1 if options.quick else options.rounds, options.quick)
    print(f"{'connections':>12s}" + "".join(f"{loop:>10s}" for loop in loops))
    for count in costs[loops[0]]:
        print(f"{count:>12s}" + "".join(f"{costs[loop][count]:10.2f}" for loop in loops))
    if options.json:
        options.json.write_text(json.dumps(costs, indent=1))


if __name__ == "__main__":
    main()
