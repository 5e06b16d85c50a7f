"""Fetch a URL several times with urllib, and hash what came: python http_fetch.py URL TIMES"""

import hashlib
import json
import sys
import time
import urllib.request
from typing import Any

url, times = sys.argv[1], int(sys.argv[2])


def tell(event: str, args: tuple[Any, ...]) -> None:
    """Hear of the sockets that urllib keeps to itself: the event carries the socket."""
    if event == "socket.connect":
        sockets.add(str(type(args[0])))


seconds, sha256 = 0.0, []
sockets: set[str] = set()
sys.addaudithook(tell)
for _ in range(times):
    started = time.perf_counter()
    with urllib.request.urlopen(url, timeout=10) as response:
        body = response.read()
    seconds += time.perf_counter() - started
    # Out of the time: it is the same work with any socket.
    sha256.append(hashlib.sha256(body).hexdigest())

print(json.dumps({"sockets": sorted(sockets), "sha256": sha256, "seconds": seconds}))
