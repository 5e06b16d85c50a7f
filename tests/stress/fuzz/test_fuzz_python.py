"""Arbitrary arguments for every public callable, in a child: surface.py.

PYSOCK_FUZZ_SECONDS for each leg (3), from PYSOCK_FUZZ_SEED on (1): the same examples each time that
the suite runs. `make fuzz-python` takes ten minutes, and a seed of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

HERE = Path(__file__).resolve().parent
SECONDS = os.environ.get("PYSOCK_FUZZ_SECONDS", "3")
SEED = os.environ.get("PYSOCK_FUZZ_SEED", "1")


def test_every_public_callable(pysock, record_property):
    leg = "c" if pysock.BACKEND == "c" else "fallback"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "surface.py", leg, SECONDS, SEED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=float(SECONDS) + 300,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    tried = json.loads(done.stdout)
    assert tried["shared"] > 300 and tried["added"] > 500
    record_property("fuzzing, Python", f"{sum(tried.values()):,} calls in {SECONDS} s")
    print(tried)
