"""For the tests of event loops: runs with a limit, and the system calls of a program."""

import asyncio
import os
import re
import shutil
import subprocess
import sys

from support.needs import needs
from support.paths import ROOT

needs_strace = needs("strace", shutil.which("strace"))
CALL = re.compile(r"\d+ +(\w+\(.*)")
MARK = "import os\ndef mark():\n    os.getpriority(os.PRIO_PROCESS, 0)\n"


def run(loop, main, timeout=30):
    return loop.run_until_complete(asyncio.wait_for(main, timeout))


def turns(loop):
    """How many turns *loop* has made; asyncio's own does not count them."""
    return loop.metrics()["turns"] if hasattr(loop, "metrics") else 0


def outcome(loop, main):
    """The result of *main*, or the exception's type and text."""
    try:
        return run(loop, main)
    except (Exception, asyncio.CancelledError) as error:
        return type(error), str(error)


def system_calls(program, folder):
    """What strace says of the calls of *program*, on the C backend, between its two marks."""
    log = folder / "strace"
    subprocess.run(
        ["strace", "-f", "-s", "80", "-o", log, sys.executable, "-c", MARK + program],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYSOCK_NO_EXTENSIONS": "",
            "PYTHONDEVMODE": "",
        },
        check=True,
        timeout=120,
    )
    calls = [found[1] for line in log.read_text().splitlines() if (found := CALL.match(line))]
    first, last = (at for at, call in enumerate(calls) if call.startswith("getpriority("))
    return calls[first + 1 : last]


class Collecting(asyncio.Protocol):
    def __init__(self, slow=False):
        self.received = bytearray()
        self.lost = asyncio.get_running_loop().create_future()
        self.paused = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data

    def pause_writing(self):
        self.paused.append(True)

    def resume_writing(self):
        self.paused.append(False)

    def connection_lost(self, error):
        self.lost.set_result(error)
