"""List an FTP server, fetch a file several times with ftplib, and hash what came.

python ftp_fetch.py PORT FILE TIMES
"""

import ftplib
import hashlib
import json
import sys
import time

port, name, times = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])

seconds, sha256 = 0.0, []
with ftplib.FTP(timeout=10) as ftp:
    started = time.perf_counter()
    ftp.connect("127.0.0.1", port)
    ftp.login()
    listing = {entry: int(facts["size"]) for entry, facts in ftp.mlsd() if facts["type"] == "file"}
    seconds += time.perf_counter() - started
    for _ in range(times):
        blocks: list[bytes] = []
        started = time.perf_counter()
        ftp.retrbinary(f"RETR {name}", blocks.append)
        seconds += time.perf_counter() - started
        # Out of the time: it is the same work with any socket.
        sha256.append(hashlib.sha256(b"".join(blocks)).hexdigest())
    sockets = [str(type(ftp.sock))]

print(json.dumps({"sockets": sockets, "listing": listing, "sha256": sha256, "seconds": seconds}))
