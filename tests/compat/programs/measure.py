"""How a program says what it did: one line of JSON, printed when all its bytes were right."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def payload(size):
    """*size* bytes among which a shift or a swap shows."""
    return b"".join(b"%08x" % number for number in range(size // 8 + 1))[:size]


def say(requests, wall, cpu):
    done = {"requests": requests, "wall": wall, "cpu": cpu, "socket": socket.socket.__module__}
    print(json.dumps(done), flush=True)


@contextlib.contextmanager
def measured(requests=REQUESTS):
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    say(requests, time.perf_counter() - wall, time.process_time() - cpu)


def hammer(port):
    """Let a client on the standard library measure the web server on *port*, and return its status.

    `-I`: the client sees nothing of what this program was started with.
    """
    client = Path(__file__).with_name("hammer.py")
    command = [sys.executable, "-I", str(client), str(port), str(REQUESTS)]
    return subprocess.run(command, check=False, timeout=100).returncode
