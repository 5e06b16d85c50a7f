"""csrc by itself, without an interpreter, under the address and undefined-behaviour sanitizers."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "csrc"
CSRC = HERE.parent.parent / "csrc"
SECONDS = os.environ.get("PYSOCK_FUZZ_SECONDS", "3")  # CI gives it a minute
SANITIZED = [
    "-std=c11",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
]


def build(target, program, *flags):
    """Compile one of tests/csrc with what it uses of csrc."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.fail("a C compiler is needed to run csrc under the sanitizers")
    sources = [CSRC / f"ps_{name}.c" for name in ("addr", "cmsg", "inbox", "meta", "outbox")]
    done = subprocess.run(
        [compiler, *SANITIZED, *flags, f"-I{CSRC}", "-o", target, HERE / program, *sources],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return target


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# Forced: as on a system without recvmmsg and sendmmsg.
@pytest.mark.parametrize("flags", [[], ["-DPS_FORCE_ONE_BY_ONE"]], ids=["mmsg", "one-by-one"])
def test_batches(tmp_path, flags):
    assert run(build(tmp_path / "batch", "batch.c", *flags)) == "ok\n"


def test_control_messages_of_any_kind(tmp_path):
    program = build(tmp_path / "fuzz", "fuzz_control.c", "-DSTANDALONE")
    said = run(program, SECONDS)
    assert int(said.split()[0]) > 1000
