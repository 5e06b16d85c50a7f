"""Programs that look at sockets from outside print the same, whatever they run on.

Each program of `programs/` runs on the standard library first. What it prints there is what it has
to print under `python -m pysock` and after `install()`, on both backends.
"""

import concurrent.futures
import difflib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from install_tools import installed_tools
from support.paths import ROOT

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
INSTALLS = ROOT / "tests" / "compat" / "with_install"  # calls install(), and fails if it warns

LIMIT = 60  # seconds
LISTED = 200  # of the lines that differ

# How each way starts a program, and what it puts first on the path.
WAYS = {
    "socket": ([], []),
    "module": (["-m", "pysock"], []),
    "install": ([], [INSTALLS]),
}

# What has to be installed for a program. Its name begins with `with_`.
TOOLS = {
    "with_aiodebug": "aiodebug",
    "with_blockbuster": "blockbuster",
    "with_coverage": "coverage",
    "with_ddtrace": "ddtrace",
    "with_distributed": "distributed",
    "with_freezegun": "freezegun",
    "with_looptime": "looptime",
    "with_nest_asyncio": "nest-asyncio",
    "with_pytest_socket": "pytest-socket",
    "with_sentry": "sentry-sdk",
}

# Not on the fallback. It has no C to make a method of `_socket.socket` of: where it adds a form of
# argument, or a loop, a function in Python stands in a method descriptor's place.
OF_C = {
    "cprofile_calls",
    "events",
    "mock_autospec_of_c",
    "monitoring",
    "public_kinds",
    "texts_of_counts",
    "tracebacks_of_c",
}


def known_differences():
    """{(backend, program): the first version of Python on which it differs}."""
    found = {}
    for line in (HERE / "known_differences.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            backend, program, what = line.split(maxsplit=2)
            since = re.match(r"from 3\.(\d+) on: ", what)
            found[backend, program] = (3, int(since[1]) if since else 0)
    return found


KNOWN = known_differences()
LISTED_ON = (3, 11)  # the version that the list is made on; on others less may differ

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))


def run(name, way, no_extensions):
    python = installed_tools()[0] if name in TOOLS else sys.executable
    options, first = WAYS[way]
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "COV", "DD_"))}
    path = os.pathsep.join(map(str, [*first, ROOT, HERE]))
    process = subprocess.Popen(
        [python, *options, str(PROGRAMS / f"{name}.py")],
        env={**kept, "PYTHONPATH": path, "PYSOCK_NO_EXTENSIONS": no_extensions},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that what it started ends with it
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        errors += f"not done in {LIMIT} s\n"
    return f"{output}{errors}exit status {process.returncode}\n"


def find_tool(name):
    """Where its tool is missing, this ends the test."""
    tool = TOOLS.get(name)
    if tool is not None and tool not in installed_tools()[1]:
        said = f"not installed: {tool}, by `make outside-tools`"
        if os.environ.get("PYSOCK_REQUIRE_TOOLS"):
            pytest.fail(said)
        pytest.skip(said)


outputs = {}  # of (name, way, no_extensions)


def printed(name, no_extensions):
    """What it printed, in each way. Most programs wait: the ways run at the same time."""
    runs = [(name, way, "" if way == "socket" else no_extensions) for way in WAYS]
    missing = [each for each in runs if each not in outputs]
    with concurrent.futures.ThreadPoolExecutor(len(WAYS)) as executor:
        outputs.update(zip(missing, executor.map(lambda each: run(*each), missing), strict=True))
    return [outputs[each].splitlines() for each in runs]


@pytest.mark.parametrize("way", ["module", "install"])
@pytest.mark.parametrize("name", NAMES)
def test_prints_the_same(pysock, name, way):
    if pysock.BACKEND == "stdlib" and name in OF_C:
        pytest.skip("without C, some methods are functions in Python")
    find_tool(name)
    no_extensions = "1" if pysock.BACKEND == "stdlib" else ""
    got = dict(zip(WAYS, printed(name, no_extensions), strict=True))
    expected, got = got["socket"], got[way]
    assert expected[-1] == "exit status 0", "on the standard library:\n" + "\n".join(expected)
    differences = list(difflib.unified_diff(expected, got, "socket", "pysock", lineterm="", n=0))
    version, since = sys.version_info[:2], KNOWN.get((pysock.BACKEND, name))
    if since is not None and version >= since:
        assert differences or version != max(LISTED_ON, since), "the same: take it off the list"
    elif differences:
        more = f"and {len(differences) - LISTED} lines more" if len(differences) > LISTED else ""
        pytest.fail("\n".join([*differences[:LISTED], more]), pytrace=False)


def test_every_tool_has_its_program_and_a_version():
    required = (HERE / "requirements.txt").read_text(encoding="utf-8")
    assert {name for name in NAMES if name.startswith("with_")} == TOOLS.keys()
    assert all(f"\n{tool}==" in required for tool in TOOLS.values())


@pytest.mark.parametrize("name", NAMES)
def test_programs_know_nothing_of_pysock(name):
    assert "pysock" not in (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
