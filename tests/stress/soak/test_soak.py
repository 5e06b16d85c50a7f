"""Load, for SOAK_SECONDS on each leg (4); `make soak` takes ten minutes. See soak.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

HERE = Path(__file__).resolve().parent
SECONDS = os.environ.get("SOAK_SECONDS", "4")
MAX_MEMORY = 32 * 1024  # KiB that peers which flood may make the heap swing by


def test_load(pysock, record_property):
    leg = "c" if pysock.BACKEND == "c" else "fallback"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error", HERE / "soak.py", leg, SECONDS],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=float(SECONDS) + 120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    print(said)
    record_property(
        "load",
        f"{said['connections']:,} connections, {said['bytes checked'] >> 20:,} MiB and "
        f"{said['datagrams checked']:,} datagrams checked in {SECONDS} s",
    )
    assert said["wrong"] == [] and said["descriptors left"] == 0
    grown = said["KiB resident at the end"] - said["KiB resident after a third"]
    assert grown < MAX_MEMORY or "ASAN_OPTIONS" in os.environ  # which keeps what was freed
    for name in ("connections", "reset", "flooded", "bytes checked", "datagrams checked"):
        assert said[name] > 0, name
