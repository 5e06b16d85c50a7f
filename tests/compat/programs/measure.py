"""How a program says what it did: one line of JSON, printed when all its bytes were right."""

import contextlib
import functools
import gc
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def payload(size):
    """*size* bytes among which a shift or a swap shows."""
    return b"".join(b"%08x" % number for number in range(size // 8 + 1))[:size]


@functools.cache
def settle():
    """What the checks left is freed here, once: else it is freed during some request."""
    gc.collect()


def used():
    """What this process has used so far. It also marks the place, for what counts from outside.

    Nothing else asks for a priority: callgrind and strace count from one such call to the next.
    """
    settle()
    os.getpriority(os.PRIO_PROCESS, 0)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "voluntary": usage.ru_nvcsw,
        "involuntary": usage.ru_nivcsw,
    }


@contextlib.contextmanager
def measured(requests=REQUESTS):
    before, wall = used(), time.perf_counter()
    yield
    wall, after = time.perf_counter() - wall, used()
    done = {"requests": requests, "wall": wall, "socket": socket.socket.__module__}
    print(json.dumps(done | {name: after[name] - before[name] for name in after}), flush=True)


def hammer(port, authority=None):
    """Let a client on the standard library measure the web server on *port*, and return its status.

    *authority* is the file of who has signed its certificate, if it is over TLS.
    `-I`: the client sees nothing of what this program was started with. No time limit: with one,
    Python asks again and again whether the client has ended, which is counted as the server's.
    """
    client = Path(__file__).with_name("hammer.py")
    command = [sys.executable, "-I", str(client), str(port), str(REQUESTS)]
    command += [str(authority)] if authority else []
    return subprocess.run(command, check=False).returncode
