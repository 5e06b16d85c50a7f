"""Projects' own tests, from their source distributions, on the standard library and on pysock.

    python tests/compat/suites.py                     every project
    python tests/compat/suites.py --only urllib3      one
    python tests/compat/suites.py --way "-m pysock"   not by install(), but as `python -m pysock`
    python tests/compat/suites.py --install           first installs the servers that are missing

projects.py says which tests, and what is left out. The packages of suites.txt are installed in
.venv/suites-VERSION, the source distributions are kept in build/suites. What fails on pysock is
run once more, on both: a test is lost when it does worse on pysock both times.
known_differences.txt excuses lost tests, each with its reason.

The exit status is 0 when no test is lost, 1 when one is, 2 when a project's tests do not run on the
standard library, or a server is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import servers
import suite_run
from difference import Difference, Report
from environment import add_options, prepare
from projects import PROJECTS, Project
from ways import COALESCED, HERE, WAYS

REQUIREMENTS = HERE / "suites.txt"
KNOWN = HERE / "known_differences.txt"


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="PROJECT")
    ways = [*(way for way in WAYS if way != "socket"), COALESCED]
    parser.add_argument("--way", choices=ways, default="install()")
    add_options(parser, "outcome")
    parser.add_argument("--list", action="store_true", help="name the projects, and end")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.only) - {project.name for project in PROJECTS}:
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    return arguments


def known_differences(text: str) -> dict[str, dict[str, str]]:
    """For each project its lost tests and why: lines of `project test  # reason`."""
    known: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            what, _, reason = line.rpartition("  # ")
            project, _, test = what.partition(" ")
            known.setdefault(project, {})[test] = reason
    return known


def compare(python: str, project: Project, way: str, known: dict[str, str]) -> Difference:
    with tempfile.TemporaryDirectory(prefix="suites-") as directory:
        os.chmod(directory, 0o711)
        place = Path(directory) / "run"
        before, after = (suite_run.run(python, project, each, place) for each in ("socket", way))
        difference = Difference(project, before, after, known=known)
        if suspects := difference.suspects():
            difference.before_again = suite_run.run(python, project, "socket", place, suspects)
            difference.after_again = suite_run.run(python, project, way, place, suspects)
    return difference


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    chosen = [p for p in PROJECTS if not arguments.only or p.name in arguments.only]
    if arguments.list:
        print("\n".join(f"{project.name:13}{project.version}" for project in chosen))
        return 0
    names = list(dict.fromkeys(name for project in chosen for name in project.servers))
    python, about = prepare(names, REQUIREMENTS, "suites", install=arguments.install)
    known = known_differences(KNOWN.read_text(encoding="utf-8"))
    report = Report(about, arguments.way)
    report.servers = {name: servers.version(name) for name in names}
    for project in chosen:
        difference = compare(python, project, arguments.way, known.get(project.name, {}))
        report.differences.append(difference)
        passed = f"{difference.before.passed()} and {difference.after.passed()} pass"
        print(
            f"{project.name}: {passed}, lost: {len(difference.lost())}", file=sys.stderr, flush=True
        )
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return report.status


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    sys.exit(main())
