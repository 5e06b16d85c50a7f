"""Programs that are run under `--profile`."""

import json
import os
import subprocess
import sys

import pytest
from support.paths import ROOT


@pytest.fixture
def python(pysock, tmp_path):
    """Run Python, with the text of *program* as `program.py` in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": ""}
    if pysock.BACKEND == "stdlib":
        environment["PYSOCK_NO_EXTENSIONS"] = "1"

    def python(*command, program=""):
        (tmp_path / "program.py").write_text(program)
        return subprocess.run(
            [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", *command],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return python


@pytest.fixture
def profile(python, tmp_path):
    """Return what a profile of a program says, as JSON."""

    def profile(program, status=0):
        done = python(
            "-m", "pysock", "--profile", "--json=said.json", "program.py", program=program
        )
        assert done.returncode == status, done.stderr
        assert status or done.stderr == ""
        return json.loads((tmp_path / "said.json").read_text())

    return profile
