"""pytest-socket: sockets, or all but some hosts, are refused by its functions and under pytest."""

import contextlib
import io
import socket
import tempfile
import warnings
from pathlib import Path

import pytest
import pytest_socket
from shown import outcome, say

warnings.simplefilter("ignore")  # it warns of each refusal
listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()


def connect(to=address):
    with socket.create_connection(to, 5) as sock:
        return sock.getpeername() == address


def pair():
    a, b = socket.socketpair()
    with a, b:
        a.sendall(b"x")
        return b.recv(1)


def accept():
    with connected:
        sock, _ = listener.accept()
        sock.close()
        return "accepted"


CALLS = {
    "socket": lambda: socket.socket().close(),
    "create_connection": connect,
    "another host": lambda: connect(("127.0.0.2", address[1])),
    "connect": lambda: socket.socket().connect(address),
    "connect_ex": lambda: socket.socket().connect_ex(address),
    "socketpair": pair,
    "AF_UNIX": lambda: socket.socket(socket.AF_UNIX).close(),
    "create_server": lambda: socket.create_server(("127.0.0.1", 0)).close(),
    "getaddrinfo": lambda: len(socket.getaddrinfo("127.0.0.1", 80, proto=6)),
    "gethostbyname": lambda: socket.gethostbyname("127.0.0.1"),
    "datagrams": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", address),
}


def each(state):
    for name, call in CALLS.items():
        say(f"{state}: {name}", outcome(call))


each("before")
connected = socket.create_connection(address)
pytest_socket.disable_socket()
each("disabled")
say("disabled: a socket from before", outcome(accept))
pytest_socket.enable_socket()
each("enabled")
pytest_socket.disable_socket(allow_unix_socket=True)
each("but AF_UNIX")
pytest_socket._remove_restrictions()
pytest_socket.socket_allow_hosts(["127.0.0.1"])
each("127.0.0.1 alone")
pytest_socket._remove_restrictions()
pytest_socket.socket_allow_hosts(["127.0.0.2/31"])
each("a network alone")
pytest_socket._remove_restrictions()
each("afterwards")

TESTS = """
import asyncio, socket
import pytest

def connect():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()

def test_connects():
    connect()

@pytest.mark.enable_socket
def test_enabled():
    connect()

def test_by_fixture(socket_enabled):
    connect()

@pytest.mark.disable_socket
def test_disabled():
    connect()

@pytest.mark.allow_hosts(["127.0.0.9"])
def test_hosts():
    connect()

def test_pair():
    a, b = socket.socketpair()
    with a, b:
        a.send(b"x")

def test_asyncio():
    asyncio.new_event_loop().close()
"""


class Outcomes:
    """Keeps them: standard output is taken while pytest runs."""

    def __init__(self):
        self.found = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            reason = str(report.longrepr.reprcrash.message) if report.failed else ""
            self.found.append((report.location[2], report.outcome, reason))


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "test_connecting.py")
    path.write_text(TESTS)
    for title, options in {
        "no option": [],
        "--disable-socket": ["--disable-socket"],
        "--disable-socket --allow-unix-socket": ["--disable-socket", "--allow-unix-socket"],
        "--allow-hosts": ["--allow-hosts=127.0.0.1"],
    }.items():
        arguments = ["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(path), *options]
        outcomes = Outcomes()
        with contextlib.redirect_stdout(io.StringIO()):
            status = pytest.main(arguments, plugins=[outcomes])
        say(title, int(status))
        for found in outcomes.found:
            say(title, *found)
