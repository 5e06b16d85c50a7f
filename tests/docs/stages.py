"""What the blocks of the README have before them: names, and somebody at the other end.

A stage runs in the block's own process; what it returns are the block's names. In docs/ a block
is a whole program, and what it needs is in it; where it needs files, they are made here.
"""

import os
import shutil
import socket
import threading
import time
from pathlib import Path

from blocks import ROOT


def background(function):
    threading.Thread(target=function, daemon=True).start()


def a_client(port):
    """Connects as soon as there is a server."""

    def connect():
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                time.sleep(0.01)

    background(connect)
    return {}


def a_server_of_records(port):
    """Answers PING, then sends a record with its length, then lines."""
    server = socket.create_server(("127.0.0.1", port))

    def serve():
        with server, server.accept()[0] as connection:
            assert connection.recv(14, socket.MSG_WAITALL) == b"*1\r\n$4\r\nPING\r\n"
            connection.sendall(b"+PONG\r\n" + (6).to_bytes(4, "big") + b"record" + b"a\nline\n")

    background(serve)
    return {}


def a_connection(port):
    """`sock`, whose peer has sent enough, reads nothing, and goes away while `data` is sent."""
    import pysock

    sock, peer = pysock.socketpair()
    peer.sendall(bytes(4 + 100))
    background(lambda: (time.sleep(0.1), peer.close()))
    return {"sock": sock, "buffer": bytearray(100), "body": b"body", "data": bytes(10**8)}


def a_peer_of_datagrams(port):
    """Answers each datagram, and ends the program when one comes that was changed and sent back."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", port))

    def serve():
        while True:
            data, address = peer.recvfrom(65536)
            if data[0] & 0x80:
                os._exit(0)
            peer.sendto(b"pong", address)
            time.sleep(0.001)

    background(serve)
    there = ("127.0.0.1", port)
    return {"peers": [there], "peer": there, "buffer": bytes(50 * 1200)}


def a_setup_that_only_looks(port):
    """A copy of csrc/, and builders that build nothing: packaging/test_vendoring.py builds."""
    import Cython.Build
    import setuptools

    def setup(*rest, ext_modules, **options):
        names = [extension.name for extension in ext_modules]
        assert names and all(name.startswith("theirservice._vendor.pysock.") for name in names)

    shutil.copytree(ROOT / "csrc", "theirservice/_vendor/csrc")
    for folder in ("theirservice", "theirservice/_vendor"):
        Path(folder, "__init__.py").touch()
    Cython.Build.cythonize = lambda modules, **options: modules
    setuptools.setup = setup
    return {}


def a_vendored_copy(port):
    """A copy that is not built: it is imported, and is the fallback."""
    shutil.copytree(
        ROOT / "pysock", "theirservice/_vendor/pysock", ignore=shutil.ignore_patterns("*.so")
    )
    return {}


# Which block of which page: the one with this text in it.
STAGES = [
    ("README.md", "connection, address = server.accept()", a_client),
    ("README.md", 'stream.write(b"*1', a_server_of_records),
    ("README.md", "sock.recv_exactly(4)", a_connection),
    ("README.md", "batch.send(sock)", a_peer_of_datagrams),
    ("README.md", "# setup.py", a_setup_that_only_looks),
    ("docs/vendoring.md", "# setup.py", a_setup_that_only_looks),
    ("docs/vendoring.md", "from theirservice._vendor", a_vendored_copy),
]


def stages_of(block):
    return [stage for page, text, stage in STAGES if page == block.page and text in block.text]
