"""Descriptors sent and received when something goes wrong: each is handed over or closed."""

import contextlib
import errno
import os
import ssl
import subprocess
import sys
import threading

import pytest
from support.descriptors import UNIX_KINDS, alarm_raises, close, count_open, opening, unix_pair
from support.paths import ROOT


@pytest.fixture
def some():
    with opening() as some:
        yield some


def test_more_than_the_kernel_sends(pysock, pair, some):
    a, b = pair
    fds = some(254)
    assert a.send_fds([b"x"], fds[:253]) == 1
    with pytest.raises(OSError) as caught:
        a.send_fds([b"y"], fds)
    assert caught.value.errno == errno.EINVAL
    came = b.recv_fds(10, 10**9)[1]
    close(came)
    assert len(came) == 253


def test_wrong_arguments(pysock, pair):
    a, b = pair
    for wrong in ([-1], [10**6]):
        with pytest.raises(OSError) as caught:
            a.send_fds([b"x"], wrong)
        assert caught.value.errno == errno.EBADF
    for wrong in (1, None, ["0"], [1.5], [2**31], [None]):
        with pytest.raises((TypeError, OverflowError)):
            a.send_fds([b"x"], wrong)
    with pytest.raises(TypeError):
        a.send_fds(b"x", [0])
    a.sendall(b"not read by mistake")
    for wrong in ((-1, 1), (10, -1), (-1, -1)):
        with pytest.raises(ValueError):
            b.recv_fds(*wrong)
    for wrong in (("1", 1), (1.5, 1), (1, None), (1, 1, "0"), (), (1,)):
        with pytest.raises(TypeError):
            b.recv_fds(*wrong)
    with pytest.raises(OverflowError):
        b.recv_fds(1, 1, 2**31)
    assert b.recv(100) == b"not read by mistake"
    b.close()
    with pytest.raises(OSError) as caught:
        b.recv_fds(1, 1)
    assert caught.value.errno == errno.EBADF


def test_an_iterable_of_descriptors_that_raises_or_closes_the_socket(pysock, some):
    [fd] = some(1)
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):

        def raising():
            yield fd
            raise ZeroDivisionError

        def closing():
            yield fd
            a.close()

        with pytest.raises(ZeroDivisionError):
            a.send_fds([b"x"], raising())
        with pytest.raises(OSError) as caught:
            a.send_fds([b"x"], closing())
        assert caught.value.errno == errno.EBADF
        assert b.recv_fds(10, 1)[:2] == (b"", [])


def test_timeouts(pysock, pair):
    _, b = pair
    b.settimeout(0.05)
    with pytest.raises(TimeoutError, match="timed out"):
        b.recv_fds(10, 1)
    b.setblocking(False)
    with pytest.raises(BlockingIOError):
        b.recv_fds(10, 1)


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_that_raises_during_the_wait(pysock, pair, some, timeout):
    a, b = pair
    b.settimeout(timeout)
    with alarm_raises(0.05), pytest.raises(ZeroDivisionError):
        b.recv_fds(10, 1)
    a.send_fds([b"x"], some(1))
    data, fds, _, _ = b.recv_fds(10, 1)
    close(fds)
    assert data == b"x" and len(fds) == 1


@pytest.mark.parametrize("kind", UNIX_KINDS)
def test_a_handler_that_raises_at_any_moment(pysock, some, kind):
    """Each descriptor is handed over or closed, whenever the handler runs."""
    fds = some(20)
    before = count_open()
    got, received = [], 0
    with unix_pair(pysock, kind) as (a, b):
        over = threading.Event()

        def send():
            while not over.is_set():
                with contextlib.suppress(BlockingIOError):
                    a.send_fds([b"x"], fds, pysock.MSG_DONTWAIT)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for microseconds in range(200, 500):
                with contextlib.suppress(ZeroDivisionError), alarm_raises(microseconds / 1e6):
                    while True:
                        # Not an assignment: the handler may run before it is done.
                        got.extend(map(b.recv_fds, (1,) * 10, (20,) * 10))
                received += len(got)
                for _, came, _, _ in got:
                    close(came)
                got.clear()
        finally:
            over.set()
            sender.join()
    assert received > 300
    assert count_open() == before


NO_MEMORY = """
import importlib, os, sys
import _testcapi
pysock = importlib.import_module("pysock")
a, b = pysock.socketpair()
fds = [os.dup(0) for _ in range(5)]
missing = 0
listing = os.listdir
for start in range(60):
    a.send_fds([b"x" * 600], fds)
    before = len(listing("/proc/self/fd"))
    came = None
    _testcapi.set_nomemory(start, start + 1)
    try:
        came = b.recv_fds(1000, 5)
    except MemoryError:
        missing += 1
    finally:
        _testcapi.remove_mem_hooks()
    if came:
        assert len(came[1]) == 5
        for fd in came[1]:
            os.close(fd)
    assert len(listing("/proc/self/fd")) == before, start
    b.settimeout(0)
    try:
        for fd in b.recv_fds(1000, 5)[1]:
            os.close(fd)
    except BlockingIOError:
        pass
    b.settimeout(None)
a.close()
b.close()
assert missing > 3
"""


def test_no_memory_for_the_list(pysock):
    environment = {k: v for k, v in os.environ.items() if k != "PYSOCK_NO_EXTENSIONS"}
    environment["PYTHONPATH"] = str(ROOT)
    if pysock.BACKEND == "stdlib":
        environment["PYSOCK_NO_EXTENSIONS"] = "1"
    command = [sys.executable, "-c", NO_MEMORY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_class_with_a_recvmsg_of_its_own_is_asked_by_it(pysock, pair, some):
    class Refusing(pysock.socket):
        def recvmsg(self, *args):
            raise NotImplementedError

        sendmsg = recvmsg

    a, b = pair
    a.send_fds([b"x"], some(1))
    with Refusing(fileno=b.detach()) as own:
        with pytest.raises(NotImplementedError):
            own.recv_fds(10, 1)
        with pytest.raises(NotImplementedError):
            own.send_fds([b"x"], [0])
        assert own.recv(10) == b"x"


def test_never_beside_tls(pysock):
    """After install() these are methods of SSLSocket, too: nothing goes out in the clear."""
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):

        class Encrypted(pysock.socket):
            sendmsg = ssl.SSLSocket.sendmsg
            recvmsg = ssl.SSLSocket.recvmsg

        with Encrypted(fileno=a.detach()) as own:
            with pytest.raises(NotImplementedError):
                own.send_fds([b"secret"], [0])
            with pytest.raises(NotImplementedError):
                own.recv_fds(1, 1)
        assert b.recv(10) == b""


def test_another_family_is_the_standard_librarys(pysock):
    with pysock.socket(pysock.AF_NETLINK, pysock.SOCK_RAW) as sock:
        sock.bind((0, 0))
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sock.recv_fds(10, 1)
