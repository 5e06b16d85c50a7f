"""A project's own tests, from its source distribution, run in one of the ways of ways.py."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import servers
from difference import NOT_RUN, Outcome, SuiteRun
from projects import Project
from ways import CLASS_OF, HERE, ROOT, STARTS, variables

DOWNLOADS = ROOT / "build" / "suites"
RECORDER = HERE / "with_outcomes"

LIMIT = 900  # seconds, for a project in one way
ALWAYS = ("-p", "timeout", "--timeout=60")  # for each test


def downloaded(project: Project) -> Path | None:
    name = f"{project.name}-{project.version}.tar.gz".lower()
    return next((path for path in DOWNLOADS.glob("*.tar.gz") if path.name.lower() == name), None)


def download(project: Project) -> Path:
    """The source distribution of *project*, fetched unless it was before."""
    if not downloaded(project):
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        command += ["download", "--no-deps", "--no-binary", project.name, "--dest", str(DOWNLOADS)]
        subprocess.run([*command, f"{project.name}=={project.version}"], check=True)
    return downloaded(project)


def run(
    python: str, project: Project, way: str, place: Path, tests: Sequence[str] = ()
) -> SuiteRun:
    """*tests* alone, or all; in *place*, which is the same for all runs, for tests' names have it.

    The tree and the servers are new each time: tests leave things in theirs.
    """
    place.mkdir()
    place.chmod(0o711)  # servers that are not root's have theirs in it
    try:
        with tarfile.open(download(project)) as archive:
            # Security releases of 3.10 and 3.11 added the filter.
            options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(place / "source", **options)
        [tree] = (place / "source").iterdir()
        with servers.running(list(project.servers), place, python) as found:
            if project.prepare:
                project.prepare(tree, python, found)
            return run_in(tree, python, project, way, found, tests or project.tests)
    finally:
        shutil.rmtree(place)


def run_in(tree, python, project, way, found, tests) -> SuiteRun:
    options, first = STARTS[way]
    record = tree.parent / "outcomes"
    command = [python, *options, "-m", "pytest", "-q", "-p", "pytest_outcomes", "--tb=short"]
    # A test file that cannot be imported is one that fails.
    command += ["-p", "no:cacheprovider", "--continue-on-collection-errors", *ALWAYS]
    for plugin in project.plugins:
        command += ["-p", plugin]
    command += [option.format_map(found) for option in project.options]
    command += [f"--ignore={name}" for name in project.ignored]
    command += [f"--deselect={name}" for name in project.deselected]
    environment = variables([*first, RECORDER], found)
    environment |= {"PYTEST_OUTCOMES": str(record), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the others' plugins
    with (tree.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *tests],
            cwd=tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that what it started ends with it
        )
    ended = f"not done in {LIMIT} s"
    try:
        ended = f"exit status {process.wait(LIMIT)}"
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    said = (tree.parent / "log").read_text(encoding="utf-8", errors="replace")
    return read(record, CLASS_OF[way], f"{ended}\n{said[-4000:]}")


def read(record: Path, expected: str, ended: str) -> SuiteRun:
    """The outcomes that were written to *record*; of a test's several, the worst."""
    run = SuiteRun()
    done = False
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    for line in map(json.loads, lines):
        if "socket" in line and line["socket"] != expected:
            return SuiteRun(failure=f"its socket class is not that of {expected}")
        done = done or "ended" in line
        if test := line.get("test"):
            outcome = Outcome(line["outcome"], line["text"]) if "outcome" in line else NOT_RUN
            kept = run.outcomes.get(test, NOT_RUN)
            if kept is NOT_RUN or outcome.rank < kept.rank:
                run.outcomes[test] = outcome
    if not done or not run.outcomes:
        run.failure = ended
    for test in [test for test, outcome in run.outcomes.items() if outcome is NOT_RUN]:
        run.outcomes[test] = Outcome("not run", f"began, and never ended: {ended}")
    return run
