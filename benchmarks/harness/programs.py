"""Other processes: started with the variant's interpreter command, spoken to by lines, stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from harness.variants import FALLBACK, PYSOCK, SWITCH, socket_module

BENCHMARKS = Path(__file__).parents[1]
PROGRAMS = BENCHMARKS / "programs"


def environment(variant: str) -> dict[str, str]:
    """The environment in which a child finds the same pysock, and the variant's backend."""
    env = dict(os.environ)
    root = Path(socket_module(PYSOCK).__file__ or "").parents[1]
    paths = [str(BENCHMARKS), str(root), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if variant == FALLBACK:
        env[SWITCH] = "1"
    return env


def interpreter(variant: str) -> list[str]:
    """How the variant's user starts an unchanged program."""
    install = ["-m", "pysock"] if variant in (PYSOCK, FALLBACK) else []
    return [sys.executable, "-u", *install]


class Process:
    """A started process, its CPU clock, and a conversation by lines; stopped on exit."""

    def __init__(
        self, command: list[str], variant: str, *, serves: bool = False, quiet: bool = False
    ) -> None:
        self.command = command
        self.serves = serves  # does not end with its standard input
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            env=environment(variant),
            text=True,
        )

    def readline(self) -> str:
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.command} ended with {self.popen.wait()}")
        return line.strip()

    def ask(self, question: object) -> str:
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{question}\n")
        self.popen.stdin.flush()
        return self.readline()

    def cpu_ns(self) -> int:
        """CPU time of all its threads, kernel included, read from outside."""
        # clock_getcpuclockid(3), which the time module does not have: ~pid << 3 | CPUCLOCK_SCHED.
        return time.clock_gettime_ns(((~self.popen.pid) << 3) | 2)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self.popen.stdin is not None and self.popen.stdout is not None
        self.popen.stdin.close()
        if self.serves:  # the others end with their input, and clean up
            self.popen.terminate()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()


def program(variant: str, name: str, *arguments: object, serves: bool = False) -> Process:
    """One of ``programs/``, run unchanged by the variant."""
    path = str(PROGRAMS / name)
    return Process([*interpreter(variant), path, *map(str, arguments)], variant, serves=serves)
