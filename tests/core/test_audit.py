"""Audit events: CPython's names and arguments, on pysock as on `socket`. In a child: hooks stay."""

import os
import subprocess
import sys

import pytest
from support.paths import ROOT

PROGRAM = """
import importlib, sys
net = importlib.import_module(sys.argv[1])
import tempfile, os
seen = []

def hook(event, args):
    if event.startswith("socket.") and on:
        seen.append((event, ["socket" if isinstance(a, net.SocketType) else a for a in args]))

on = False
sys.addaudithook(hook)
net.socket().close()
on = True
def quietly(call):
    try:
        call()
    except (OSError, TypeError, ZeroDivisionError):
        pass
a, b = net.socketpair()
listener = net.socket(net.AF_INET, net.SOCK_STREAM | net.SOCK_NONBLOCK, 6)
listener.bind(("127.0.0.1", 0))
listener.listen()
port = listener.getsockname()[1]
listener.setblocking(True)
client = net.socket()
client.connect(("127.0.0.1", port))
server, _ = listener.accept()
quietly(lambda: net.socket().connect_ex(("127.0.0.1", 1)))
udp = net.socket(net.AF_INET, net.SOCK_DGRAM)
udp.sendto(b"x", ("127.0.0.1", 9))
udp.sendto(b"x", 0, ("127.0.0.1", 9))
udp.sendmsg([b"x"], [], 0, ("127.0.0.1", 9))
quietly(lambda: a.sendmsg([b"x"]))
# Told as soon as there is an address, whatever is wrong with the rest.
for number, (buffers, ancdata) in enumerate([
    (None, ()), ([None], ()), ((1 / 0 for _ in "x"), ()), ([b"x"], None), ([b"x"], [None]),
    ([b"x"], [(1, 1)]), ([b"x"], [(1, 1, None)]), ([b"x"] * 1025, ()),
]):
    quietly(lambda: udp.sendmsg(buffers, ancdata, 0, ("127.0.0.1", 100 + number)))
    quietly(lambda: udp.sendmsg(buffers, ancdata, 0, "no address"))
    quietly(lambda: udp.sendmsg(buffers, ancdata, "no flags", ("127.0.0.1", 9)))
for _ in range(3):
    net.getaddrinfo("127.0.0.1", 80, type=net.SOCK_STREAM)
net.gethostbyname("127.0.0.1")
net.gethostname()
path = os.path.join(tempfile.mkdtemp(), "s")
unix = net.socket(net.AF_UNIX)
unix.bind(path)
net.fromfd(udp.fileno(), udp.family, udp.type).close()
udp.dup().close()
on = False
os.unlink(path)
os.rmdir(os.path.dirname(path))
names = {port: "PORT", ("127.0.0.1", port): "HOST and PORT", path: "PATH"}
for event, args in seen:
    print(event, [names.get(a, a) for a in args])
"""

WHOLE = """
import sys, pysock
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)) if event[:7] == "socket." else None)
a, b = pysock.socketpair()
a.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
a.setblocking(False)
seen.clear()
a.sendmsg_all([b"x", b"y"])
a.sendmsg_all([])
try:
    a.sendmsg_all([bytes(10)] * 5000, timeout=0.01)
except TimeoutError:
    pass
try:
    a.sendall(bytes(100_000))
except BlockingIOError:
    pass
b.recv_exactly(1)
b.recv_exactly_into(bytearray(1))
assert seen == [("socket.sendmsg", (a, None))] * 3, seen
"""

REFUSING = """
import sys, pysock
def hook(event, args):
    if event == "socket." + sys.argv[1] and on:
        raise ZeroDivisionError
on = False
sys.addaudithook(hook)
udp = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
listener = pysock.create_server(("127.0.0.1", 0))
client = pysock.create_connection(listener.getsockname())
calls = {
    "__new__": [pysock.socket, listener.accept, pysock.socketpair],
    "bind": [lambda: udp.bind(("127.0.0.1", 0))],
    "connect": [lambda: udp.connect(("127.0.0.1", 9)), lambda: udp.connect_ex(("127.0.0.1", 9)),
                lambda: pysock.create_connection(listener.getsockname(), happy_eyeballs_delay=9),
                lambda: pysock.create_connection(listener.getsockname(), total_timeout=9)],
    "sendto": [lambda: udp.sendto(b"", ("127.0.0.1", 9))],
    "sendmsg": [lambda: client.sendmsg([b""]), lambda: client.sendmsg_all([b"x"])],
    "getaddrinfo": [lambda: pysock.getaddrinfo("127.0.0.1", 80)] * 2,
    "gethostbyname": [lambda: pysock.gethostbyname("127.0.0.1")],
}
import os
before = len(os.listdir("/proc/self/fd"))
on = True
for call in calls[sys.argv[1]]:
    try:
        call()
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("the hook was not asked")
if sys.argv[1] != "__new__" or pysock.BACKEND == "c":
    assert len(os.listdir("/proc/self/fd")) == before
"""

CONNECTING = """
import sys, pysock
seen = []
def hook(event, args):
    if event.startswith("socket."):
        seen.append((event, *["socket" if isinstance(a, pysock.socket) else a for a in args]))
with pysock.create_server(("127.0.0.1", 0)) as listener:
    address = listener.getsockname()
    sys.addaudithook(hook)
    for options in ({}, {"happy_eyeballs_delay": 9}, {"total_timeout": 9}):
        before = seen.copy()
        seen.clear()
        pysock.create_connection(address, 5, ("127.0.0.1", 0), **options).close()
        assert seen == before or not before, (seen, before)
print(*[event for event, *_ in seen])
"""


def run(program, *arguments, fallback):
    environment = dict(os.environ, PYTHONWARNINGS="ignore::ResourceWarning")
    environment.pop("PYSOCK_NO_EXTENSIONS", None)
    if fallback:
        environment["PYSOCK_NO_EXTENSIONS"] = "1"
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_events_are_those_of_socket(pysock):
    fallback = pysock.BACKEND == "stdlib"
    expected = run(PROGRAM, "socket", fallback=fallback)
    assert run(PROGRAM, "pysock", fallback=fallback) == expected
    for event in (
        "__new__",
        "bind",
        "connect",
        "sendto",
        "sendmsg",
        "getaddrinfo",
        "gethostbyname",
    ):
        assert f"socket.{event} " in expected


@pytest.mark.parametrize(
    "event", ["__new__", "bind", "connect", "sendto", "sendmsg", "getaddrinfo", "gethostbyname"]
)
def test_a_hook_can_refuse_and_no_descriptor_is_lost(pysock, event):
    run(REFUSING, event, fallback=pysock.BACKEND == "stdlib")


def test_events_of_create_connection_are_the_same_with_a_race(pysock):
    said = run(CONNECTING, fallback=pysock.BACKEND == "stdlib").split()
    assert said == ["socket.getaddrinfo", "socket.__new__", "socket.bind", "socket.connect"]


def test_whole_transfers_are_one_event_each_or_none(pysock):
    run(WHOLE, fallback=pysock.BACKEND == "stdlib")
