"""Servers that are not Python, for clients to be measured against."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_until_up(server: subprocess.Popen, port: int) -> bool:
    deadline = time.monotonic() + 5
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return True
    return False


@contextmanager
def redis_server(certificate: str = "") -> Iterator[int]:
    """A redis server of our own on loopback; yields its port.

    It speaks TLS with the *certificate*, a file that has the key, too.
    """
    program = shutil.which("redis-server")
    assert program is not None, "rows that need redis ask for it: Row(needs=...)"
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        options = ["--bind", "127.0.0.1", "--dir", directory]
        if certificate:
            options += ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
            options += ["--tls-cert-file", certificate, "--tls-key-file", certificate]
        else:
            options += ["--port", str(port)]
        options += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            if not _wait_until_up(server, port):
                raise RuntimeError(f"redis-server did not come up on port {port}")
            yield port
        finally:
            server.terminate()
            server.wait(10)
