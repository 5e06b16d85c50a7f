"""Many clients, eight at a time, each thanked by one of the greeting servers.

python greeting_clients.py tcp|udp PORT COUNT, or: python greeting_clients.py unix PATH COUNT
"""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

kind, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def connected() -> socket.socket:
    """A new socket, connected to the server."""
    peer: tuple[str, int] | str
    if kind == "tcp":
        return socket.create_connection(("127.0.0.1", int(address)), timeout=10)
    if kind == "udp":
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer = ("127.0.0.1", int(address))
    else:
        client, peer = socket.socket(socket.AF_UNIX), address
    client.settimeout(10)
    client.connect(peer)
    return client


def greet(number: int) -> tuple[str, str]:
    """Say a name, and receive the thanks: one datagram, or all until the server closes."""
    with connected() as client:
        client.sendall(b"client %d\n" % number)
        if kind == "udp":
            thanks = client.recv(4096)
        else:
            thanks = b"".join(iter(lambda: client.recv(4096), b""))
        return str(type(client)), thanks.decode()


started = time.perf_counter()
with ThreadPoolExecutor(max_workers=8) as pool:
    greetings = list(pool.map(greet, range(count)))
seconds = time.perf_counter() - started

sockets, replies = zip(*greetings, strict=True)
print(json.dumps({"sockets": sorted(set(sockets)), "replies": replies, "seconds": seconds}))
