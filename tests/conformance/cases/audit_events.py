"""Audit events: pysock raises those of the standard library, with the same arguments, in order.

test_audit itself starts a fresh Python, where `socket` is the original. Here the same part of
CPython's audit-tests.py, and a walk through the other calls that are audited, run in a process of
the standard library and in one with pysock installed, and the events are compared.
"""

import re
import socket
import subprocess
import sys
import unittest

from test import support

AUDIT_TESTS = support.findfile("audit-tests.py")
INSTALLED = "pysock" in sys.modules

RUN = """
import sys
if {install}:
    import pysock
    pysock.install()
import runpy
sys.argv[:] = [{program!r}, "test_socket"]
runpy.run_path({program!r}, run_name="__main__")
"""

WALK = """
import sys
if {install}:
    import pysock
    pysock.install()
import os, socket, tempfile

def hook(event, args):
    if event.startswith("socket."):
        print(event, *args, flush=True)

sys.addaudithook(hook)

def attempt(call, *args):
    try:
        return call(*args)
    except OSError as error:
        print("raised", type(error).__name__)

for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    server = socket.socket(family, socket.SOCK_STREAM)
    attempt(server.bind, (host, 0))
    attempt(server.listen)
    client = socket.socket(family, socket.SOCK_STREAM)
    attempt(client.connect, server.getsockname())
    accepted = attempt(server.accept)
    attempt(client.connect_ex, (host, 9))
    attempt(client.sendmsg, [b"x"])
    attempt(client.sendmsg, [b"x"], [], 0, (host, 9))
    attempt(client.send, b"x")
    attempt(client.sendall, b"x")
    client.settimeout(0.01)
    attempt(client.recv, 1)
    datagram = socket.socket(family, socket.SOCK_DGRAM)
    attempt(datagram.bind, (host, 0))
    here = datagram.getsockname()
    attempt(datagram.sendto, b"x", here)
    attempt(datagram.sendto, b"x", 0, here)
    attempt(datagram.sendmsg, [b"x"], [], 0, here)
    attempt(datagram.recvfrom, 10)
    attempt(datagram.recvfrom_into, bytearray(10))
    attempt(datagram.bind, (host, 0))
    attempt(socket.getnameinfo, (host, 80), socket.NI_NUMERICHOST)
    attempt(socket.getaddrinfo, host, 80)
    attempt(socket.getaddrinfo, host, "http", family, socket.SOCK_STREAM)
    attempt(socket.getaddrinfo, host.encode(), None)
    attempt(socket.gethostbyname, host)
    attempt(socket.gethostbyname_ex, host)
    attempt(socket.gethostbyaddr, host)
    attempt(socket.create_connection, server.getsockname()[:2])
    for sock in (server, client, datagram, accepted and accepted[0]):
        if sock:
            sock.close()

os.chdir(tempfile.mkdtemp())
server = socket.socket(socket.AF_UNIX)
server.bind("name")
server.listen()
client = socket.socket(socket.AF_UNIX)
attempt(client.connect, "name")
attempt(client.connect_ex, b"nobody")
left, right = socket.socketpair()
attempt(left.dup)
attempt(socket.fromfd, right.fileno(), right.family, right.type)
socket.getservbyname("http")
socket.getservbyport(80)
socket.gethostname()
try:
    socket.sethostname("")
except OSError:
    pass
os.unlink("name")
os.rmdir(os.getcwd())
"""


def events(*command):
    done = subprocess.run(
        [sys.executable, "-X", "utf8", *command],
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=40,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return [normal(line) for line in done.stdout.splitlines()]


def normal(line):
    """Without what differs from process to process: class, descriptors, ephemeral ports."""
    line = re.sub(r"<[\w.]+ (fd=|\[closed\])", r"<socket \1", line)
    line = re.sub(r"fd=\d+", "fd=N", line)
    return re.sub(r"\b(3[2-9]|[45]\d|6[0-5])\d{3}\b", "PORT", line)


class AuditEventsTest(unittest.TestCase):
    maxDiff = None

    def test_audit_tests_installed(self):
        expected = events("-c", RUN.format(install=False, program=AUDIT_TESTS))
        self.assertEqual(
            [line.split()[0] for line in expected],
            ["socket.gethostname", "socket.__new__", "socket.bind"],
        )
        self.assertEqual(events("-c", RUN.format(install=INSTALLED, program=AUDIT_TESTS)), expected)

    def test_audit_tests_as_program(self):
        launcher = ["-m", "pysock"] if INSTALLED else []
        self.assertEqual(
            events(*launcher, AUDIT_TESTS, "test_socket"), events(AUDIT_TESTS, "test_socket")
        )

    def test_every_audited_call(self):
        expected = events("-c", WALK.format(install=False))
        self.assertGreater(len(expected), 40)
        self.assertEqual(events("-c", WALK.format(install=INSTALLED)), expected)


# The share of pysock's own sockets is counted in this process too.
class InProcessTest(unittest.TestCase):
    def test_event_carries_the_socket(self):
        seen = []
        active = True

        def hook(event, args):
            if active and event == "socket.__new__":
                seen.append(args)

        sys.addaudithook(hook)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            active = False
        self.assertEqual(seen, [(sock, socket.AF_INET, socket.SOCK_DGRAM, 0)])
