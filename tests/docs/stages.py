"""What the blocks of the README have before them: names, and somebody at the other end.

A stage runs in the block's own process; what it returns are the block's names. In docs/ a block
is a whole program, and what it needs is in it; where it needs files, they are made here.
"""

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


def a_server_of_pings(port):
    """Answers PING."""
    server = socket.create_server(("127.0.0.1", port))

    def serve():
        with server, server.accept()[0] as connection:
            assert connection.recv(14, socket.MSG_WAITALL) == b"*1\r\n$4\r\nPING\r\n"
            connection.sendall(b"+PONG\r\n")

    background(serve)
    return {}


def certificates(port):
    """ca.pem, and cert.pem with key.pem for localhost."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path("ca.pem")
    server = authority.issue_cert("localhost")
    server.private_key_pem.write_to_path("key.pem")
    server.cert_chain_pems[0].write_to_path("cert.pem")
    return {}


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
    ("README.md", 'stream.write(b"*1', a_server_of_pings),
    ("docs/guide/tls.md", "load_cert_chain", certificates),
    ("docs/vendoring.md", "# setup.py", a_setup_that_only_looks),
    ("docs/vendoring.md", "from theirservice._vendor", a_vendored_copy),
]


def stages_of(block):
    return [stage for page, text, stage in STAGES if page == block.page and text in block.text]
