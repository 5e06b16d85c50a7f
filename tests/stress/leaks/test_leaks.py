"""No call leaves anything behind, in success or failure: byte, object, descriptor, reference.

`make leaks` makes 100,000 calls of each; a leak shows in some hundred.
"""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support.paths import ROOT

HERE = Path(__file__).resolve().parent
CALLS = int(os.environ.get("PYSOCK_LEAK_CALLS", "500"))
NOISE = 5  # objects or references that come and go

# A free-threaded interpreter has no allocator but its own: there the heap is what csrc has of it,
# and what is the interpreter's shows in the objects and references alone.
ALLOCATOR = {} if sysconfig.get_config_var("Py_GIL_DISABLED") else {"PYTHONMALLOC": "malloc"}

# mallinfo2() counts a free block as used while it lies in one of glibc's caches: see mallopt(3).
NO_CACHES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"}


@pytest.fixture(scope="session")
def measured(pysock):
    leg = "c" if pysock.BACKEND == "c" else "fallback"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "calls.py", leg, str(CALLS)],
        env={**os.environ, **ALLOCATOR, **NO_CACHES, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=max(300, CALLS * 0.6),
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout.splitlines()[-1:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_heap_does_not_grow(measured, record_property):
    """The smallest block of the heap is 32 bytes: a leak is at least that, for each call.

    Half of it is none, but what the interpreter itself made room for once.
    """
    record_property("leaks", f"{len(measured)} kinds of call, {CALLS:,} of each")
    # asyncio's tables of loops and tasks grow and shrink by some KB, with `asyncio.run` as well.
    tables = dict.fromkeys(("run", "asyncio.run", "new_event_loop"), 32768)
    assert not [
        found for found in measured if found["heap"] > 16 * CALLS + tables.get(found["name"], 0)
    ]


def test_no_object_and_no_descriptor_stays(measured):
    assert not [found for found in measured if found["objects"] > NOISE or found["descriptors"]]


def test_no_reference_stays(measured):
    assert not [found for found in measured if found["references"] > NOISE]


def test_every_public_callable_is_among_them(measured, pysock):
    names = {found["name"].partition("(")[0] for found in measured}
    methods = {
        f"socket.{name}"
        for name in dir(pysock.socket)
        if not name.startswith("_") and callable(getattr(pysock.socket, name))
    }
    assert methods <= names
    functions = {name for name in pysock.EXTENDED if callable(getattr(pysock, name))}
    classes = {name for name in functions if isinstance(getattr(pysock, name), type)}
    assert functions - classes <= names


def test_both_success_and_failure_were_made(measured):
    """A line that always fails where it was meant to succeed would show nothing."""
    meant = [found for found in measured if "(" not in found["name"]]
    assert len(meant) > 60
    assert not [found for found in meant if found["failed"]]
    assert sum(found["failed"] == CALLS for found in measured) > 300
