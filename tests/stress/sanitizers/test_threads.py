"""csrc under ThreadSanitizer: what threads share is the kernel's, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

HERE = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="ThreadSanitizer is for 64 bits alone")
def test_csrc_in_several_threads(tmp_path):
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.fail("a C compiler is needed to run csrc under ThreadSanitizer")
    flags = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=thread"]
    program = tmp_path / "threads"
    sources = [HERE / "threads.c", *sorted(CSRC.glob("*.c"))]
    subprocess.run(
        [compiler, *flags, f"-I{CSRC}", "-o", program, *sources, "-lpthread"], check=True
    )
    done = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
