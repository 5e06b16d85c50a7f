"""The rows of the README and of its picture, and where their figures are in the results.

`make bench` leaves four files in results/: latest.json has the rows of `bench_*.py`, loops.json
those of `loops.py`, tls.json those of `tls.py`, scaling.json those of `scaling.py`.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, NamedTuple

SLOWER = 0.97  # a ratio below it is a loss, not noise

# {group: {what the README calls it: the title of the row}}. At most twelve rows, with losing ones.
HEADLINES = {
    "asyncio servers on pysock.EventLoop: CPU a request": {
        "protocols: echo, 100 connections": "protocols, 100 connections x 64 B",
        "streams: echo, 100 connections": "streams, 100 connections x 64 B",
        "sock_recv, sock_sendall: echo, 100 connections": (
            "sock_recv and sock_sendall, 100 connections"
        ),
        "UDP: echo, 4 peers": "UDP, 4 peers, 16 in flight",
        "uvicorn with httptools, 64 connections": "uvicorn and httptools, 64 connections",
        "aiohttp, 64 connections": "aiohttp, 64 connections",
        "connect, one request, close": "connect, one request, close; 32 at a time",
    },
    "blocking sockets, code unchanged": {
        "send and recv, with a timeout": "send+recv 64 B, timeout",
        "send and recv, beside a thread that computes": "send+recv beside 1 computing",
        "echo server with threads, 1 client": "threads: echo of 64 B, 1 client",
    },
    "calls that pysock adds": {
        "UDP: echo by the batch, with GSO and GRO": "echo, GSO and GRO, 1400 B",
    },
}


class Figure(NamedTuple):
    """How many times as fast as the standard library."""

    pysock: float
    uvloop: float | None = None
    c: float | None = None


def of_operation(row: dict[str, Any]) -> Figure:
    """The figure of a row of `bench_*.py`."""
    ratio, share, variants = row["ratio"], row["share_of_c"], row["variants"]
    uvloop = variants["stdlib"]["ns"] / variants["uvloop"]["ns"] if "uvloop" in variants else None
    return Figure(ratio, uvloop, ratio / share if share else None)


def paired(costs: dict[str, list[float]], loop: str, to: str) -> float | None:
    """The median over the rounds of a loop's cost by that of another one."""
    if loop not in costs or to not in costs:
        return None
    return statistics.median(a / b for a, b in zip(costs[loop], costs[to], strict=True))


def of_loops(costs: dict[str, list[float]]) -> Figure:
    """The figure of a row of `loops.py`."""
    ratio = paired(costs, "asyncio", "pysock")
    assert ratio is not None
    return Figure(ratio, paired(costs, "asyncio", "uvloop"), paired(costs, "asyncio", "C"))


class Results:
    """What `make bench` has left in a folder."""

    def __init__(self, folder: Path) -> None:
        self.run = json.loads((folder / "latest.json").read_text())
        self.operations = [
            one["extra_info"] for one in self.run["benchmarks"] if "ratio" in one["extra_info"]
        ]
        self.loops = json.loads((folder / "loops.json").read_text())
        self.tls = json.loads((folder / "tls.json").read_text())
        self.scaling = json.loads((folder / "scaling.json").read_text())

    @property
    def machine(self) -> str:
        machine = self.run["machine_info"]
        system = f"{machine['system']} {machine['release'].partition('-')[0]}".rstrip()
        cores = f"{machine['cpus']} cores" if machine.get("cpus") else "one machine"
        return f"{machine['python_implementation']} {machine['python_version']}, {system}, {cores}"

    @property
    def commit(self) -> str:
        return str(self.run["commit_info"]["id"])[:7]

    def headlines(self) -> dict[str, dict[str, Figure]]:
        """The figures of HEADLINES. A KeyError names a row that was not measured."""
        figures = {row["title"]: of_operation(row) for row in self.operations}
        figures |= {name: of_loops(costs) for name, costs in self.loops.items()}
        return {
            group: {text: figures[title] for text, title in rows.items()}
            for group, rows in HEADLINES.items()
        }
