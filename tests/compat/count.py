"""What the programs cost, counted and not timed: instructions and system calls of a request.

    python tests/compat/count.py                   every program into counted.json, and the page
    python tests/compat/count.py --only redis_py   some programs; the others' rows stay
    python tests/compat/count.py --page            the page alone, from counted.json
    python tests/compat/count.py --guard           five programs against counted.json
    python tests/compat/count.py --only redis_py --keep DIR     and callgrind's files, in DIR

Each program marks what it measures (programs/measure.py); callgrind and strace count between the
marks, in runs of their own, so that start-up and checks are not in the figures. Each processor
takes programs in turn, with their servers: on one processor a program finds the same things ready
whenever it looks.

The exit status is 1 when the guard finds more than the table allows, 2 when a program failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

import servers
from catalogue import PROGRAMS, Program
from counting import counts, guard, instructions, page, system_calls
from counting.counts import PYSOCK, SOCKET, Counted, Counts
from environment import prepare
from table import Run
from ways import ROOT, UVLOOP, run

REQUIREMENTS = Path(__file__).resolve().with_name("requirements.txt")
PAGE = ROOT / "docs" / "programs.md"
COUNTED = 20  # times fewer requests than are timed: under valgrind all is slow
FEWEST = 80
TIMED = 4
ROUNDS = 6  # of which by chance all say the same once in 32 times


class Failed(Exception):
    pass


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--guard", action="store_true", help="compare, and write nothing")
    parser.add_argument("--times", action="store_true", help="only the times, of what was counted")
    parser.add_argument("--page", action="store_true", help="write the page from the table alone")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where callgrind's files stay")
    parser.add_argument("--install", action="store_true", help="install missing servers")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.only) - {program.name for program in PROGRAMS}:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    return arguments


class Counting:
    def __init__(self, python: str, directory: Path, keep: Path | None):
        self.python = python
        self.directory = directory
        self.keep = keep
        self.stopped = False
        self.marks = instructions.build(directory)

    def count(self, program: Program, found: dict[str, str], *, uvloop: bool) -> Counted:
        requests = max(FEWEST, program.requests // COUNTED)
        ways = [SOCKET, PYSOCK] + [UVLOOP] * (uvloop and program.asyncio)
        counted = {way: self.one(program, way, requests, found) for way in ways}
        return Counted(requests, counted)

    def one(self, program: Program, way: str, requests: int, found: dict[str, str]) -> Counts:
        def start(under: list[str], more: dict[str, str]) -> Run:
            done = self.run(program, way, requests, {**found, **more}, under)
            if done.failure:
                raise Failed(f"{program.name}, {way}, under {under[0]}: {done.failure.rstrip()}")
            return done

        home = Path(tempfile.mkdtemp(dir=self.directory))
        keep = self.keep and self.keep / f"{program.name} {way}"
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
        _, total = instructions.count(start, home, self.marks, keep=keep)
        done, calls = system_calls.count(start, home)
        return Counts.of(total, calls, done.requests)

    def run(self, program: Program, way: str, requests: int, found: dict, under=()) -> Run:
        if self.stopped:
            raise Failed(f"{program.name}: stopped")
        return run(self.python, program, way, requests, found, under)

    def rounds(self, program: Program, found: dict[str, str]) -> dict[str, list[Run]]:
        runs: dict[str, list[Run]] = {SOCKET: [], PYSOCK: []}
        requests = max(FEWEST, program.requests // TIMED)
        for number in range(ROUNDS):
            # In turn, and not always in the same order: what drifts hits both alike.
            for way in list(runs) if number % 2 == 0 else list(runs)[::-1]:
                runs[way].append(self.run(program, way, requests, found))
        return runs


def groups(programs: list[Program]) -> list[list[Program]]:
    """Those that share their servers, the largest group first; those that need none, one by one."""
    found: dict[object, list[Program]] = {}
    for program in programs:
        found.setdefault(program.servers or program.name, []).append(program)
    return sorted(found.values(), key=len, reverse=True)


class Work:
    """Each processor takes a group, starts its servers, and does something with each program."""

    def __init__(self, counting: Counting, chosen: list[Program]):
        self.counting = counting
        self.waiting: SimpleQueue[list[Program]] = SimpleQueue()
        for group in groups(chosen):
            self.waiting.put(group)
        self.failures: list[str] = []

    def do(self, one: Callable[[Program, dict[str, str]], None]) -> list[str]:
        """What failed."""
        processors = sorted(os.sched_getaffinity(0))[:2]
        with ThreadPoolExecutor(len(processors)) as pool:
            try:
                list(pool.map(lambda processor: self.on(processor, one), processors))
            except BaseException:
                self.counting.stopped = True  # the other one ends its run, and its servers
                raise
        return self.failures

    def on(self, processor: int, one: Callable[[Program, dict[str, str]], None]) -> None:
        os.sched_setaffinity(0, {processor})  # of this thread, and of all that it starts
        while True:
            try:
                group = self.waiting.get_nowait()
            except Empty:
                return
            home = Path(tempfile.mkdtemp(dir=self.counting.directory))
            os.chmod(home, 0o711)  # servers that are not root's have theirs in it
            names = list(group[0].servers)
            with servers.running(names, home, self.counting.python) as found:
                for program in group:
                    if self.counting.stopped:
                        return
                    try:
                        one(program, found)
                    except Failed as failure:
                        self.failures.append(str(failure))
                        print(f"== {failure}", file=sys.stderr, flush=True)


def count_all(
    counting: Counting, chosen: list[Program], *, save: bool
) -> tuple[dict[str, Counted], list[str]]:
    done: dict[str, Counted] = {}

    def one(program: Program, found: dict[str, str]) -> None:
        done[program.name] = counted = counting.count(program, found, uvloop=save)
        print(page.line(program, counted), file=sys.stderr, flush=True)
        if save:
            counts.update({program.name: counted})

    return done, Work(counting, chosen).do(one)


def time_all(counting: Counting, chosen: list[Program]) -> list[str]:
    """What only a clock can say, after everything is counted. It returns what failed."""
    known = counts.read()

    def one(program: Program, found: dict[str, str]) -> None:
        counted = known[program.name]
        counted.add_rounds(counting.rounds(program, found))
        counts.update({program.name: counted})
        print(f"{program.name}: timed", file=sys.stderr, flush=True)

    return Work(counting, [program for program in chosen if program.name in known]).do(one)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    if arguments.page:
        page.write(PAGE, counts.read())
        return 0
    if absent := [tool for tool in ("valgrind", "strace") if not shutil.which(tool)]:
        print(f"not installed: {' '.join(absent)}", file=sys.stderr)
        return 2
    names = arguments.only or (guard.PROGRAMS if arguments.guard else [p.name for p in PROGRAMS])
    chosen = [program for program in PROGRAMS if program.name in names]
    wanted = list(dict.fromkeys(name for program in chosen for name in program.servers))
    python, _ = prepare(wanted, REQUIREMENTS, "compat", install=arguments.install)
    known = counts.read()
    with tempfile.TemporaryDirectory(prefix="count-") as directory:
        os.chmod(directory, 0o711)
        counting = Counting(python, Path(directory), arguments.keep)
        found, failures = {}, []
        if not arguments.times:
            found, failures = count_all(counting, chosen, save=not arguments.guard)
        if not arguments.guard:
            failures += time_all(counting, chosen)
        worse = guard.worse(found, known) if arguments.guard else []
        if worse:  # once more: what a busy machine has made worse is not worse twice
            again = [each for each in chosen if guard.names(each.name, worse)]
            found |= count_all(counting, again, save=False)[0]
            worse = guard.worse(found, known)
    if arguments.guard:
        print("\n".join(worse) or f"{len(found)} programs cost no more than the table says")
        return 1 if worse else 2 if failures else 0
    page.write(PAGE, counts.read())
    return 2 if failures else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    sys.exit(main())
