"""Load, for SOAK_SECONDS each (4); `make soak` takes ten minutes. See soak.py and loop_soak.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

HERE = Path(__file__).resolve().parent
SECONDS = os.environ.get("SOAK_SECONDS", "4")
MAX_MEMORY = 32 * 1024  # KiB that peers which flood may make the heap swing by


def figures_of(program, pysock, **environment):
    """What *program* says after SECONDS on the leg of *pysock*. Nothing is wrong or left."""
    leg = "c" if pysock.BACKEND == "c" else "fallback"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error", HERE / program, leg, SECONDS],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=float(SECONDS) + 120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    print(said)
    assert said["wrong"] == [] and said["descriptors left"] == 0
    grown = said["KiB resident at the end"] - said["KiB resident after a third"]
    assert grown < MAX_MEMORY or "ASAN_OPTIONS" in os.environ  # which keeps what was freed
    return said


def test_load(pysock, record_property):
    said = figures_of("soak.py", pysock)
    record_property(
        "load",
        f"{said['connections']:,} connections, {said['bytes checked'] >> 20:,} MiB and "
        f"{said['datagrams checked']:,} datagrams checked in {SECONDS} s",
    )
    for name in ("connections", "reset", "flooded", "bytes checked", "datagrams checked"):
        assert said[name] > 0, name


def test_load_on_a_loop(pysock):
    said = figures_of("loop_soak.py", pysock, PYTHONDEVMODE="")  # in debug mode it is asyncio's
    for name in ("connections", "connections over TLS", "upgraded", "reset", "flooded"):
        assert said[name] > 0, name
    assert said["bytes checked"] > 0 and said["datagrams checked"] > 0
