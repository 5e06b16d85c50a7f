"""What a request over TLS costs a server on an event loop, beside uvloop and aiofastnet.

    python benchmarks/tls.py [--rounds N] [--quick] [--json FILE] [WORD ...]   by word

The figure is the CPU time of the server's process for a request, in microseconds, as in
`loops.py`. A request of the rows with 1 MiB is that MiB. aiofastnet runs on uvloop. The clients are
Python's `ssl`: what they cost is not measured. In the row of redis it is the client's CPU time.
The certificate is one of trustme.
"""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import trustme

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.servers import redis_server
from loops import REQUEST, Load, Row, options, run

LOOPS = ["asyncio", "installed", "pysock", "uvloop", "aiofastnet"]
MIB = 1 << 20
HTTP_ANSWER = 321  # bytes: the answer of programs/tls_server.py


class Clients:
    """Connections over TLS to a server on this machine."""

    def __init__(self, authority: trustme.CA) -> None:
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)

    def connect(self, port: int) -> ssl.SSLSocket:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(sock, server_hostname="localhost")

    def requests(self, connections: int, request: bytes, answer: int):
        """All of the *connections* send a request, and then receive the *answer* bytes."""

        def connect(port: int, stack: ExitStack) -> Load:
            socks = [stack.enter_context(self.connect(port)) for _ in range(connections)]
            buffer = bytearray(65536)

            def load(n: int) -> None:
                for _ in range(max(n // connections, 1)):
                    for sock in socks:
                        sock.sendall(request)
                    for sock in socks:
                        left = answer
                        while left:
                            left -= sock.recv_into(buffer, min(left, len(buffer)))

            return load

        return connect

    def handshakes(self) -> Callable[[int, ExitStack], Load]:
        def connect(port: int, stack: ExitStack) -> Load:
            def load(n: int) -> None:
                for _ in range(n):
                    self.connect(port).close()

            return load

        return connect


def rows(clients: Clients, certificate: str, authority: str) -> dict[str, Row]:
    def row(server: str, connect: Callable[[int, ExitStack], Load], requests: int) -> Row:
        return Row(server, connect, requests, program="tls_server.py", arguments=(certificate,))

    request = REQUEST.encode()
    return {
        "HTTP over TLS, 64 connections, 256 B": row(
            "http", clients.requests(64, request, HTTP_ANSWER), 6400
        ),
        "HTTP over TLS, 1 connection": row("http", clients.requests(1, request, HTTP_ANSWER), 3000),
        "streams over TLS, 64 connections x 64 B": row(
            "streams", clients.requests(64, bytes(64), 64), 6400
        ),
        "download, writes of 1 MiB, 4 connections": row(
            "download", clients.requests(4, b"?", MIB), 60
        ),
        "upload of 1 MiB, 4 connections": row("upload", clients.requests(4, bytes(MIB), 1), 60),
        "handshakes": row("http", clients.handshakes(), 200),
        "redis.asyncio GET over TLS, a pool of 16; the client's CPU": Row(
            "tls",
            None,
            4000,
            packages=("redis",),
            program="redis_asyncio_get.py",
            arguments=(authority,),
            peer=partial(redis_server, certificate),
        ),
    }


def main() -> None:
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        own, known = Path(folder) / "server.pem", Path(folder) / "authority.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
        authority.cert_pem.write_to_path(known)
        run(rows(Clients(authority), str(own), str(known)), LOOPS, options(__doc__))


if __name__ == "__main__":
    main()
