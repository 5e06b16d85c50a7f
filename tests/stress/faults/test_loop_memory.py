"""Memory runs out under a loop: nothing crashes, is doubled or left open, and somebody is told.

LOOP_MEMORY_FAULTS allocations of each use fail, over all that it has (60). See loop_memory.py.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

HERE = Path(__file__).resolve().parent
USES = [
    "Connection",
    "Protocols",
    "Streams",
    "SockMethods",
    "Datagrams",
    "Timers",
    "TLSConnection",
    "TLSProtocols",
]


@functools.cache
def outcomes(leg):
    """What came of each use on *leg*: {use: what was said of it}."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "loop_memory.py", leg],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDEVMODE": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr)
    return {line["use"]: line for line in lines if "use" in line}


def silent(said):
    """Of how many allocations of a use nobody is told, about."""
    return said["silent"] * said["allocations"] / (said["ok"] + said["told"] + said["silent"])


@pytest.mark.parametrize("use", USES)
def test_each_allocation_fails(pysock, use):
    """asyncio itself tells nobody of what befalls a connection that it accepts.

    The standard library's `accept` loses the descriptor for which there is no memory, on the
    fallback, too.
    """
    pytest.importorskip("_testcapi")
    said = outcomes("c" if pysock.BACKEND == "c" else "fallback")[use]
    asyncios = outcomes("socket")[use]
    assert said["wrong"] == []
    assert said["leaked"] == 0 or pysock.BACKEND == "stdlib"
    assert said["ok"] and said["told"]
    assert silent(said) <= 1.5 * silent(asyncios) + 30
