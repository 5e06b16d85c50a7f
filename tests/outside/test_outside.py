"""Programs that look at sockets from outside print the same, whatever they run on.

Each program of `programs/` runs on the standard library first. What it prints there is what it has
to print under `python -m pysock` and after `install()`, on both backends.
"""

import difflib
import functools
import os
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

# How each way starts a program, and what it puts first on the path.
WAYS = {
    "socket": ([], []),
    "module": (["-m", "pysock"], []),
    "install": ([], [INSTALLS]),
}

# What has to be installed for a program. Its name begins with `with_`.
TOOLS = {
    "with_blockbuster": "blockbuster",
    "with_coverage": "coverage",
    "with_ddtrace": "ddtrace",
    "with_distributed": "distributed",
    "with_freezegun": "freezegun",
    "with_pytest_socket": "pytest-socket",
}

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py"))


def run(name, way, no_extensions):
    python = interpreter(name)
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


def interpreter(name):
    tool = TOOLS.get(name)
    if tool is None:
        return sys.executable
    python, tools = installed_tools()
    if tool not in tools:
        said = f"not installed: {tool} (`make outside-tools` installs it)"
        if os.environ.get("PYSOCK_REQUIRE_TOOLS"):
            pytest.fail(said)
        pytest.skip(said)
    return python


@functools.cache
def on_socket(name):
    printed = run(name, "socket", "")
    assert printed.endswith("exit status 0\n"), f"on the standard library:\n{printed}"
    return printed


@pytest.mark.parametrize("way", ["module", "install"])
@pytest.mark.parametrize("name", NAMES)
def test_prints_the_same(pysock, name, way):
    expected = on_socket(name)
    printed = run(name, way, "1" if pysock.BACKEND == "stdlib" else "")
    differences = difflib.unified_diff(
        expected.splitlines(), printed.splitlines(), "socket", "pysock", lineterm="", n=0
    )
    assert printed == expected, "\n" + "\n".join(differences)


def test_every_tool_has_its_program_and_a_version():
    required = (HERE / "requirements.txt").read_text(encoding="utf-8")
    assert {name for name in NAMES if name.startswith("with_")} == TOOLS.keys()
    assert all(f"\n{tool}==" in required for tool in TOOLS.values())


@pytest.mark.parametrize("name", NAMES)
def test_programs_know_nothing_of_pysock(name):
    assert "pysock" not in (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
