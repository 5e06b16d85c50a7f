"""Which tests pysock loses, against the same run of the standard library.

A test is lost when it passes in the baseline and not with pysock, or fails with pysock and did not
in the baseline. Machines are noisy, so a test gets a second try before it counts:

* one that failed in the baseline runs there once more, so that a flaw of the moment hides nothing;
* one that is lost runs again, up to twice; if it then passes, the module runs again as a whole, and
  only a test that passes there too is excused, and reported as such;
* one that stays lost runs alone in the baseline too: no better there, it is not pysock's.

A crash is never excused by a second try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from plan import Run
from supervisor import Outcome, Record

RETRIES = 2
# More than this is no noise: the backend is broken, and retries would take hours.
MAX_RETRIED = 20

Execute = Callable[..., Record]


@dataclass
class Verdict:
    record: Record
    lost: dict[str, Outcome] = field(default_factory=dict)
    recovered: list[str] = field(default_factory=list)  # passed at a second try
    unsound: list[str] = field(default_factory=list)  # alone, they do no better in the baseline

    @property
    def error(self) -> str:
        """Why the run proves nothing, if so."""
        record = self.record
        if record.error:
            return record.error
        run = record.run
        if run.replaces_sockets and record.own_sockets == 0 and record.other_sockets > 0:
            return "no socket of pysock's class was made"
        if run.replaces_loop and record.own_loops == 0 and record.other_loops > 0:
            return "no pysock.EventLoop was made"
        return ""


def differs(baseline: Outcome | None, outcome: Outcome | None) -> bool:
    if baseline is not None and baseline.status == "passed":
        return outcome is None or outcome.status != "passed"
    return outcome is not None and outcome.bad and not (baseline is not None and baseline.bad)


def missing(record: Record) -> Outcome:
    causes = [f"{name}: {fixture.detail}" for name, fixture in record.fixtures.items()]
    return Outcome("missing", "\n".join(causes) or "the test was not there to run")


def find_lost(baseline: Record, record: Record) -> dict[str, Outcome]:
    lost = {}
    for name in [*baseline.tests, *(name for name in record.tests if name not in baseline.tests)]:
        if differs(baseline.tests.get(name), record.tests.get(name)):
            lost[name] = record.tests.get(name) or missing(record)
    for name, fixture in record.fixtures.items():
        if differs(baseline.fixtures.get(name), fixture):
            lost[f"{record.run.module.name}: {name}"] = fixture
    return lost


def retry(run: Run, name: str, outcome: Outcome, execute: Execute) -> Outcome:
    """Run the test again, alone, until it passes or has had its tries."""
    # A test that hangs takes the whole limit each time.
    for attempt in range(1, 2 if outcome.status == "hung" else RETRIES + 1):
        again = execute(run, [name]).tests.get(name)
        if again is not None:
            outcome = Outcome(again.status, again.detail, retries=attempt)
            if again.status in ("passed", "crashed"):
                break
    return outcome


def confirm(run: Run, names: list[str], execute: Execute) -> tuple[list[str], Record]:
    """Which of these, having passed alone, pass in the whole module too; and that second record.

    A failure that needs the tests before it to show is no noise.
    """
    again = execute(run, None)
    return [name for name in names if passed(again.tests.get(name))], again


def passed(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status == "passed"


def settle_baseline(record: Record, execute: Execute) -> list[str]:
    """Give what failed in the baseline a second try; returns the tests that then passed."""
    failed = [name for name, outcome in record.tests.items() if outcome.status == "failed"]
    if len(failed) > MAX_RETRIED:
        return []
    alone = [name for name in failed if passed(execute(record.run, [name]).tests.get(name))]
    recovered = confirm(record.run, alone, execute)[0] if alone else []
    record.tests.update(dict.fromkeys(recovered, Outcome("passed", retries=2)))
    return recovered


def judge(baseline: Record, record: Record, execute: Execute) -> Verdict:
    verdict = Verdict(record, find_lost(baseline, record) if not record.error else {})
    if len(verdict.lost) > MAX_RETRIED:
        return verdict
    alone = []
    for name, outcome in list(verdict.lost.items()):
        known = name in baseline.tests or name in record.tests
        if not known or outcome.status == "crashed":
            continue  # a fixture cannot run alone, a crash is a crash
        again = retry(record.run, name, outcome, execute)
        if again.status == "passed":
            alone.append(name)
        elif differs(execute(baseline.run, [name]).tests.get(name), again):
            verdict.lost[name] = again
        else:
            verdict.unsound.append(name)
            del verdict.lost[name]
    if alone:
        verdict.recovered, second = confirm(record.run, alone, execute)
        for name, outcome in second.tests.items():
            if outcome.status == "crashed" and differs(baseline.tests.get(name), outcome):
                verdict.lost[name] = outcome
        for name in alone:
            if name not in verdict.recovered:
                verdict.lost[name] = second.tests.get(name) or missing(second)
                verdict.lost[name].detail += "\n(it passes alone, and fails in its module again)"
    for name in verdict.recovered:
        record.tests[name] = Outcome("passed", verdict.lost.pop(name).detail, retries=2)
    return verdict
