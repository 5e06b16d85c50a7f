"""CPython's own tests with pysock in place of `socket`, against the same tests without it.

Those of asyncio also run with `pysock.EventLoop` as asyncio's loop.

    python tests/conformance/run.py                                  everything, this interpreter
    python tests/conformance/run.py --python python3.12 --backend c
    python tests/conformance/run.py --module test_socket -k SendmsgTCP
    python tests/conformance/run.py --mode loop install+loop

Every test that passes with the standard library must pass with pysock, on both backends; the
exceptions are in expected_differences.txt. The exit status is 0 when that holds, 1 when a test is
lost or an expected difference is stale, 2 when a run could not do what it claims to (pysock or its
extension missing, no socket or no loop of pysock's class made).

plan.py says what is run, supervisor.py how one run is carried through, verdict.py what is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from expected import read_differences, split_expected
from plan import BACKENDS, BASELINE, MODES, choose_modules, plan_runs
from report import Report
from schedule import run_all
from supervisor import Record, Settings, execute
from verdict import judge, settle_baseline

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def executable(name: str) -> str:
    """From here or from the path; what runs it does so in a folder of its own."""
    return os.path.abspath(name) if os.sep in name else name


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=[*BACKENDS, "both"], default="both")
    parser.add_argument(
        "--module",
        nargs="+",
        default=[],
        metavar="NAME",
        help="such as test_socket; an unlisted one by its full name",
    )
    parser.add_argument(
        "--mode", nargs="+", choices=MODES, default=[], help="how pysock comes in: see plan.py"
    )
    parser.add_argument(
        "--python", nargs="+", type=executable, default=[sys.executable], metavar="EXE"
    )
    parser.add_argument("-k", dest="pattern", help="only tests whose id has this part or glob")
    # The tests wait for timeouts more than they compute, hence one job more than processors.
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1, metavar="N")
    parser.add_argument("--limit", type=float, default=60, help="seconds for a test (60)")
    parser.add_argument(
        "--path",
        type=Path,
        default=ROOT,
        help="the folder that holds the pysock under test (this repository)",
    )
    parser.add_argument("--expected", type=Path, default=HERE / "expected_differences.txt")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(argv)


def find_version(python: str) -> str:
    code = "import test.support, sysconfig; print(sysconfig.get_config_var('LDVERSION'))"
    done = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{python} does not have CPython's tests (the `test` package):\n{done.stderr}")
    return done.stdout.strip()


def announce(versions: dict[str, str], settings: Settings, run) -> Record:
    record = execute(run, settings)
    print(
        f"{versions[run.python]} {run}: {len(record.tests)} tests, {record.seconds:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    return record


def main(argv: list[str] | None = None) -> int:
    args = parse_arguments(argv)
    pythons = [shutil.which(python) or python for python in args.python]
    versions = {python: find_version(python) for python in pythons}
    differences = read_differences(args.expected)
    settings = Settings(args.path.resolve(), args.limit, args.pattern)
    backends = list(BACKENDS) if args.backend == "both" else [args.backend]

    runs = plan_runs(pythons, backends, choose_modules(args.module, args.mode))
    records = run_all(runs, args.jobs, partial(announce, versions, settings))

    # Retries come last, one at a time, when the machine is quiet.
    report = Report(versions)
    again = partial(execute, settings=settings)

    def alone(run, names):
        return again(run, only=names)

    for run in runs:
        if run.backend == BASELINE:
            report.add_baseline(records[run], settle_baseline(records[run], alone))
    compared = [run for run in runs if run.backend != BASELINE]
    verdicts = [judge(records[run.baseline()], records[run], alone) for run in compared]
    expected, report.stale = split_expected(differences, versions, verdicts)
    for index, verdict in enumerate(verdicts):
        report.add_verdict(verdict, {name for at, name in expected if at == index})
    report.check_loops([verdict.record for verdict in verdicts])
    print(report.text())
    if args.json:
        args.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return report.status


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no child is left behind
    sys.exit(main())
