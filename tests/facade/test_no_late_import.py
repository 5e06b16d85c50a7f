"""What `socket` has, and what pysock adds, needs no import after pysock's own.

A daemon imports its modules, and then it gives up its rights, or changes its root: no file of
pysock, and none of the standard library, can be read any more.
"""

import os
import subprocess
import sys

import pytest
from support.paths import ROOT

PROGRAM = """
# What the standard library imports when it is called:
import array, encodings.idna, os, selectors, sys
import pysock
if sys.argv[1] == "install":
    pysock.install()
import socket
net = socket if sys.argv[1] == "install" else pysock
file = open(os.memfd_create("file"), "w+b")
file.write(bytes(1000))
selector = selectors.DefaultSelector()
imported = []
sys.addaudithook(
    lambda event, args: event == "import" and imported.append(args[0])
)

class tried:
    def __enter__(self):
        pass

    def __exit__(self, cls, error, traceback):
        assert not isinstance(error, ImportError), error
        return isinstance(error, Exception)

with net.create_server(("localhost", 0)) as listener:
    host = ("localhost", listener.getsockname()[1])
    client = net.create_connection(host)
    server, _ = listener.accept()
    selector.register(server, selectors.EVENT_READ)
    with client, server:
        client.sendall(b"x" * 100)
        selector.select()
        server.recv_into(bytearray(10))
        server.recvmsg_into([bytearray(10)])
        with server.makefile("rb") as reader, client.makefile("wb") as writer:
            reader.read(80)
            writer.write(b"y")
            writer.flush()
            reader.read(1)
        file.seek(0)
        client.sendfile(file)
        with tried():
            server.recv_into(b"read-only")
        with tried():
            server.recv("no number")
        with tried():
            client.connect(host)
        with tried():
            client.connect(("no such name.invalid", "no port"))
        client.settimeout(0.01)
        with tried():
            client.recv(1)
        selector.unregister(server)
a, b = net.socketpair()
with a, b, net.socket(type=net.SOCK_DGRAM) as datagrams:
    a.sendmsg([b"1", b"2"])
    b.recvmsg(10)
    net.send_fds(a, [b"1"], [0])
    for fd in net.recv_fds(b, 1, 1)[1]:
        os.close(fd)
    datagrams.bind(("localhost", 0))
    datagrams.sendto(b"x", ("localhost", datagrams.getsockname()[1]))
    datagrams.recvfrom(1)
    if net is pysock:
        a.peercred()
        a.reap_zerocopy()
        a.send(b"1234")
        with tried():
            b.recv_into(memoryview(b"1"))
        b.recv_exactly(4)
        a.sendmsg_all([b"12", b"34"])
        b.recv_exactly_into(bytearray(4))
        datagrams.sendmmsg([(b"x", datagrams.getsockname())])
        datagrams.recvmmsg(1, 100)
        stream = net.Stream(a)
        b.sendall(b"line\\nmore")
        stream.readline(), stream.read1()
        with tried():
            stream.read(1, timeout=0.01)
        stream.write(b"1")
        stream.flush()
        stream.write(b"dropped")
        stream = None
if net is pysock:
    with net.create_server(("localhost", 0)) as listener:
        host = ("localhost", listener.getsockname()[1])
        with net.create_connection(host, happy_eyeballs_delay=0.1, total_timeout=5) as client:
            server, _ = listener.accept()
            with tried():
                client.setsockopt(net.SOL_SOCKET, net.SO_ZEROCOPY, 1)
                client.send_zerocopy(b"x" * 100)
        server.close()
    a, b = net.socketpair()
    c, d = net.socketpair()
    a.sendall(b"spliced")
    pysock.splice(b, c, 7)
    pysock.splice(os.dup(d.fileno()), file, 7)
    with tried():
        pysock.splice(b, c, timeout=0.01)
net.getaddrinfo("localhost", 80)
print(*imported)
"""


@pytest.mark.parametrize("way", ["alias", "install"])
def test_nothing_is_imported_late(pysock, way):
    switch = "1" if pysock.BACKEND == "stdlib" else ""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", PROGRAM, way],
        env={**os.environ, "PYSOCK_NO_EXTENSIONS": switch, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("\n", "")
