"""Carries one run through, whatever its tests do: in a child process, restarted when one hangs.

The child appends a line for each test to a file. A test that takes longer than the limit, or that
takes the interpreter down, ends the child; the next one runs the module without the tests done.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from plan import EXCLUDED, Run

HERE = Path(__file__).resolve().parent
POLL = 0.05
DUMP_GRACE = 2.0
LOG_LINES = 150  # the stack of C functions, which Python 3.14 writes too, has 32 and more

live_children: set[subprocess.Popen] = set()


@dataclass
class Outcome:
    status: str  # passed, skipped, failed, hung, crashed, missing
    detail: str = ""
    retries: int = 0

    @property
    def bad(self) -> bool:
        return self.status in ("failed", "hung", "crashed")


@dataclass
class Record:
    """What came of a run."""

    run: Run
    tests: dict[str, Outcome] = field(default_factory=dict)
    fixtures: dict[str, Outcome] = field(default_factory=dict)
    own_sockets: int = 0
    other_sockets: int = 0
    own_loops: int = 0
    other_loops: int = 0
    own_turns: int = 0
    seconds: float = 0.0
    error: str = ""

    def count(self, *statuses: str) -> int:
        return sum(outcome.status in statuses for outcome in self.tests.values())


@dataclass(frozen=True)
class Settings:
    path: Path  # what holds the pysock under test
    limit: float = 60.0  # seconds for a test
    pattern: str | None = None


@dataclass
class Attempt:
    """One child: what it reported, and how it ended."""

    record: Record
    tail: bytes = b""
    current: str | None = None
    sockets: tuple[int, int] = (0, 0)
    loops: tuple[int, int, int] = (0, 0, 0)
    settled: int = 0
    done: bool = False
    failure: tuple[str, str] | None = None  # (hung or crashed, the end of the log)

    def read(self, report) -> bool:
        """Take the lines that have come; whether there were any."""
        *lines, self.tail = (self.tail + report.read()).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        return bool(lines)

    def _take(self, message: dict) -> None:
        event = message["event"]
        self.sockets = tuple(message["sockets"])
        self.loops = tuple(message["loops"])
        if event == "start":
            self.current = message["id"]
        elif event == "end":
            self.settle(message["id"], Outcome(message["status"], message["detail"]))
        elif event == "fixture":
            self.record.fixtures[message["id"]] = Outcome(message["status"], message["detail"])
        elif event == "error":
            self.record.error = message["detail"]
        elif event == "done":
            self.done = True

    def settle(self, test_id: str, outcome: Outcome) -> None:
        self.record.tests[test_id] = outcome
        self.settled += 1
        self.current = None


def environment(run: Run, settings: Settings) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env.pop("PYSOCK_NO_EXTENSIONS", None)
    if run.backend == "stdlib":
        env["PYSOCK_NO_EXTENSIONS"] = "1"
    env["PYTHONPATH"] = os.pathsep.join([str(settings.path), str(HERE / "cases")])
    return env


def execute(run: Run, settings: Settings, only: list[str] | None = None) -> Record:
    """Run the module to its end, through as many children as it takes."""
    record = Record(run)
    began = time.monotonic()
    while True:
        attempt = Attempt(record)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            _run_child(run, settings, only, attempt, Path(work))
        record.own_sockets += attempt.sockets[0]
        record.other_sockets += attempt.sockets[1]
        record.own_loops += attempt.loops[0]
        record.other_loops += attempt.loops[1]
        record.own_turns += attempt.loops[2]
        if record.error or attempt.failure is None:
            break
        status, detail = attempt.failure
        if attempt.current:
            attempt.settle(attempt.current, Outcome(status, detail))
        else:
            # Between tests: in a fixture, the import or the exit. It is no test's own failure.
            where = "at exit" if attempt.done else "between tests"
            record.fixtures[f"{status} {where}"] = Outcome(status, detail)
        if attempt.done or not attempt.settled:
            break
    record.seconds = time.monotonic() - began
    return record


def _run_child(run, settings, only, attempt: Attempt, work: Path) -> None:
    report, log, spec, cwd = (work / name for name in ("report", "log", "spec", "cwd"))
    report.touch()
    cwd.mkdir()
    spec.write_text(
        json.dumps(
            {
                "mode": run.mode,
                "backend": run.backend,
                "module": run.module.name,
                "patterns": [run.module.only, settings.pattern],
                "only": only,
                "skip": list(attempt.record.tests),
                "excluded": list(EXCLUDED),
                "report": str(report),
            }
        )
    )
    with open(log, "wb") as output, open(report, "rb") as lines:
        child = subprocess.Popen(
            [run.python, str(HERE / "child.py"), str(spec)],
            cwd=cwd,
            env=environment(run, settings),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        live_children.add(child)
        try:
            hung = _follow(child, attempt, lines, settings.limit)
        finally:
            _end_group(child)
        attempt.read(lines)
    log_end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
    if hung:
        attempt.failure = "hung", f"no progress for {settings.limit:g} s\n{log_end}"
    elif child.returncode and not attempt.record.error:
        attempt.failure = "crashed", f"exit status {child.returncode}\n{log_end}"


def _follow(child, attempt: Attempt, lines, limit: float) -> bool:
    """Read the report until the child ends; True when it hung and had to be stopped."""
    deadline = time.monotonic() + limit
    while child.poll() is None:
        if attempt.read(lines):
            deadline = time.monotonic() + limit
        elif time.monotonic() > deadline:
            child.send_signal(signal.SIGABRT)  # faulthandler writes where every thread stands
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(DUMP_GRACE)
            return True
        time.sleep(POLL)
    return False


def _end_group(child) -> None:
    """The child and whatever its tests have left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    live_children.discard(child)


@atexit.register
def _end_all() -> None:
    """Children have sessions of their own: an interrupt of the runner does not reach them."""
    for child in list(live_children):
        _end_group(child)
