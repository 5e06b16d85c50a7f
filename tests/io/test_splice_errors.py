"""splice when something goes wrong: what did not arrive is handed back, or was not taken."""

import contextlib
import errno
import os
import resource
import signal
import socket
import struct
import threading
import time

import pytest
from support.channels import (
    CHANNELS,
    MODES,
    MUCH,
    Collecting,
    Feeding,
    Splicing,
    alarm,
    finish,
    is_idle,
    raise_zero_division,
    rest,
)

# Nothing is lost


def check_accounts(error, data, received, source):
    """Every byte reached the target, is pending, or is still to come from the source."""
    assert error.bytes_moved == len(received)
    assert type(error.pending) is bytes
    assert received + error.pending + rest(source) == data


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", CHANNELS)
@pytest.mark.parametrize("source", CHANNELS)
def test_a_target_that_stalls(pysock, channel, source, target, mode):
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel(source), channel(target)
    for end in (b, c):
        end.settimeout(MODES[mode])
    feeding = Feeding(a, data)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="timed out") as caught:
        pysock.splice(b, c, timeout=0.15)
    assert 0.15 <= time.monotonic() - start < 10
    c.settimeout(None)
    if source == target == "pipe" and pysock.BACKEND == "c":
        assert caught.value.pending == b""  # they went from the one to the other
    collecting = Collecting(d)
    c.sendall(caught.value.pending)  # how to go on
    assert pysock.splice(b, c) == MUCH - caught.value.bytes_moved - len(caught.value.pending)
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data


def test_an_exception_that_refuses_attributes_tells_it_all_the_same(pysock, channel):
    class Refusing(Exception):
        def __setattr__(self, name, value):
            raise ValueError("no attributes")

    def handler(*_):
        raise Refusing

    (_, b), (c, _) = channel("tcp"), channel("tcp")
    with alarm(handler, 0.1), pytest.raises(Refusing) as caught:
        pysock.splice(b, c)
    assert (caught.value.bytes_moved, caught.value.pending) == (0, b"")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("target", CHANNELS)
def test_a_handler_that_raises_while_the_target_stalls(pysock, channel, target, mode, timeout):
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel("tcp"), channel(target)
    for end in (b, c):
        end.settimeout(MODES[mode])
    feeding = Feeding(a, data)
    with alarm(raise_zero_division, 0.15), pytest.raises(ZeroDivisionError) as caught:
        pysock.splice(b, c, timeout=timeout)
    finish(c)
    check_accounts(caught.value, data, rest(d), b)
    feeding.join()


@pytest.mark.parametrize("mode", MODES)
def test_a_handler_that_raises_at_any_moment(pysock, channel, mode):
    data = os.urandom(40_000_000)
    (a, b), (c, d) = channel("tcp"), channel("unix")
    for end in (b, c):
        end.settimeout(MODES[mode])
    feeding, collecting = Feeding(a, data), Collecting(d)
    moved, raised = 0, 0
    while True:
        try:
            with alarm(raise_zero_division, 0.001 + raised % 7 * 0.0003):
                moved += pysock.splice(b, c)
            break
        except ZeroDivisionError as error:
            raised += 1
            if not hasattr(error, "pending"):
                continue  # it ran before the call, or after it
            moved += error.bytes_moved + len(error.pending)
            c.settimeout(None)
            c.sendall(error.pending)
            c.settimeout(MODES[mode])
    c.settimeout(None)
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data
    assert raised > 5


def test_handlers_run_and_the_deadline_stays(pysock, channel):
    (_, b), (c, _) = channel("tcp"), channel("tcp")
    ran = []
    start = time.monotonic()
    with alarm(lambda *_: ran.append(1), 0.01, 0.01), pytest.raises(TimeoutError) as caught:
        pysock.splice(b, c, timeout=0.3)
    assert 0.3 <= time.monotonic() - start < 5
    assert len(ran) > 5
    assert (caught.value.bytes_moved, caught.value.pending) == (0, b"")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("target", CHANNELS)
def test_a_target_that_is_closed_at_the_other_end(pysock, channel, target, mode, timeout):
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel("unix"), channel(target)
    for end in (b, c):
        end.settimeout(MODES[mode])
    feeding, splicing = Feeding(a, data), Splicing(pysock, b, c, timeout=timeout)
    assert is_idle(splicing)
    got = len(d.recv(1000))
    d.close()
    splicing.join()
    assert isinstance(splicing.result, ConnectionError)
    assert splicing.result.errno in (errno.EPIPE, errno.ECONNRESET)
    assert got <= splicing.result.bytes_moved < MUCH
    assert splicing.result.pending + rest(b) == data[splicing.result.bytes_moved :]
    feeding.join()


def test_a_source_that_is_reset(pysock, channel):
    """What had come before counts, and the error is not taken for the end."""
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    splicing = Splicing(pysock, b, c)
    a.sendall(bytes(200_000))
    got = 0
    while got < 200_000:
        got += len(d.recv(1 << 20))
    assert is_idle(splicing)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    a.close()
    splicing.join()
    assert isinstance(splicing.result, ConnectionResetError)
    assert (splicing.result.bytes_moved, splicing.result.pending) == (200_000, b"")


def test_a_target_without_room(pysock, channel, tmp_path):
    """The file size limit, in the middle."""
    data = os.urandom(1_000_000)
    a, b = channel("unix")
    feeding = Feeding(a, data)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open(tmp_path / "data", "wb", buffering=0) as file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
            with pytest.raises(OSError) as caught:
                pysock.splice(b, file)
            assert file.tell() == 500_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.errno == errno.EFBIG
    check_accounts(caught.value, data, (tmp_path / "data").read_bytes(), b)
    feeding.join()


def test_a_target_that_takes_nothing(pysock, channel):
    a, b = channel("tcp")
    a.sendall(b"abc")
    finish(a)
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError) as caught:
        pysock.splice(b, file)
    assert caught.value.errno == errno.ENOSPC
    assert (caught.value.bytes_moved, caught.value.pending) == (0, b"abc")


@pytest.mark.parametrize("limit", [0, 1])
def test_no_descriptor_for_a_pipe(pysock, channel, limit):
    """Then the bytes are copied."""
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    feeding, collecting = Feeding(a, data), Collecting(d)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        top = max(map(int, os.listdir("/proc/self/fd")))
        filler = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (top + 3, hard))
        with contextlib.suppress(OSError):
            while True:
                filler.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(limit):
            os.close(filler.pop())
        assert pysock.splice(b, c) == MUCH
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in filler:
            os.close(fd)
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data


# Descriptors that change hands


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("closed", ["source", "target"])
def test_a_socket_that_was_closed_before(pysock, channel, mode, closed):
    (a, b), (c, _) = channel("tcp"), channel("tcp")
    a.sendall(b"abc")
    (b if closed == "source" else c).close()
    with pytest.raises(OSError) as caught:
        pysock.splice(b, c)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("mode", ["blocking", "timeout"])
def test_a_socket_that_is_closed_while_its_bytes_flow(pysock, channel, mode):
    """Its number belongs to another socket soon: no byte of that one may be taken."""
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    others = pysock.socketpair()
    b.settimeout(MODES[mode])
    over = threading.Event()

    def feed():
        with contextlib.suppress(OSError):
            while not over.is_set():
                a.sendall(bytes(100_000))

    feeding, collecting = threading.Thread(target=feed), Collecting(d)
    feeding.start()
    splicing = Splicing(pysock, b, c)
    while len(collecting.got) < MUCH:
        time.sleep(0.01)
    fd = b.fileno()
    with others[0], others[1]:
        others[0].sendall(b"not yours")
        b.close()
        os.dup2(others[1].fileno(), fd, inheritable=False)
        try:
            splicing.join(10)
            assert not splicing.is_alive()
            assert others[1].recv(100, socket.MSG_DONTWAIT) == b"not yours"
        finally:
            os.close(fd)
            over.set()
            with contextlib.suppress(OSError):
                a.shutdown(socket.SHUT_RDWR)
            feeding.join()
            splicing.join()
    finish(c)
    collecting.join()
    # The connection may have been reset before the number was read again.
    assert isinstance(splicing.result, OSError)
    assert splicing.result.errno in (errno.EBADF, errno.ECONNRESET)
    assert splicing.result.bytes_moved == len(collecting.got)


def test_a_handler_that_closes_the_source(pysock, channel):
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    b.settimeout(30)
    a.sendall(b"abc")
    with alarm(lambda *_: b.close(), 0.2), pytest.raises(OSError) as caught:
        pysock.splice(b, c)
    assert caught.value.errno == errno.EBADF
    finish(c)
    assert caught.value.bytes_moved == 3 and caught.value.pending == b""
    assert rest(d) == b"abc"


def test_a_handler_that_closes_the_target(pysock, channel):
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    data = os.urandom(MUCH)
    feeding = Feeding(a, data)
    c.settimeout(30)
    with alarm(lambda *_: c.close(), 0.3), pytest.raises(OSError) as caught:
        pysock.splice(b, c)
    assert caught.value.errno == errno.EBADF
    check_accounts(caught.value, data, rest(d), b)
    feeding.join()


class Changing:
    """Something with a descriptor, until it is asked once too often."""

    def __init__(self, end, times, then):
        self.end, self.times, self.then = end, times, then

    def fileno(self):
        self.times -= 1
        if self.times < 0:
            return self.then()
        return self.end.fileno()


def test_a_fileno_that_raises_in_the_middle(pysock, channel):
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    feeding, collecting = Feeding(a, data), Collecting(d)
    with pytest.raises(ZeroDivisionError) as caught:
        pysock.splice(Changing(b, 5, raise_zero_division), c)
    finish(c)
    collecting.join()
    check_accounts(caught.value, data, bytes(collecting.got), b)
    feeding.join()
