"""splice: every byte arrives once, whatever the two ends are; and what is no end of a stream."""

import contextlib
import io
import os
import socket
import ssl

import pytest
from support.channels import (
    CHANNELS,
    MODES,
    MUCH,
    Collecting,
    Feeding,
    Splicing,
    finish,
    raise_zero_division,
    rest,
)
from support.parameter_ids import shown

# What it is for


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", CHANNELS)
@pytest.mark.parametrize("source", CHANNELS)
def test_to_the_end(pysock, channel, source, target, mode, timeout):
    data = os.urandom(MUCH)
    a, b = channel(source)
    c, d = channel(target)
    for end in (b, c):
        end.settimeout(MODES[mode])
    feeding, collecting = Feeding(a, data), Collecting(d)
    assert pysock.splice(b, c, timeout=timeout) == MUCH
    assert pysock.splice(b, c, timeout=timeout) == 0
    c.settimeout(None)
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data


@pytest.mark.parametrize("mode", ["blocking", "non-blocking"])
def test_in_a_thread_and_of_different_modes(pysock, channel, mode):
    """Any thread but the main one stays without the GIL, while bytes flow."""
    data = os.urandom(20 * MUCH)
    a, b = channel("tcp")
    c, d = channel("tcp")
    b.settimeout(MODES[mode])
    feeding, splicing = Feeding(a, data), Splicing(pysock, b, c)
    collecting = Collecting(d)
    splicing.join()
    finish(c)
    feeding.join()
    collecting.join()
    assert splicing.result == len(data)
    assert collecting.got == data


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000, MUCH])
@pytest.mark.parametrize("count", [None, 0, 1, 65536, 65537, 150_000, 2**63 - 1, 2**63, 2**70])
def test_count(pysock, channel, size, count):
    data = os.urandom(size)
    a, b = channel("tcp")
    c, d = channel("unix")
    feeding, collecting = Feeding(a, data), Collecting(d)
    wanted = size if count is None else min(size, count)
    assert pysock.splice(b, c, count) == wanted
    assert rest(b) == data[wanted:]  # not one byte more was taken
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data[:wanted]


@pytest.mark.parametrize("target", CHANNELS)
@pytest.mark.parametrize("size", [0, 10, MUCH])
def test_from_a_file(pysock, channel, tmp_path, target, size):
    data = os.urandom(size)
    (tmp_path / "data").write_bytes(data)
    a, b = channel(target)
    collecting = Collecting(b)
    with open(tmp_path / "data", "rb", buffering=0) as file:
        file.seek(min(5, size))
        assert pysock.splice(file, a) == max(size - 5, 0)
        assert file.tell() == size
        file.seek(0)
        assert pysock.splice(file.fileno(), a, 3) == min(size, 3)
        assert file.tell() == min(size, 3)
    finish(a)
    collecting.join()
    assert collecting.got == data[5:] + data[:3]


@pytest.mark.parametrize("source", [*CHANNELS, "file"])
@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
def test_into_a_file(pysock, channel, tmp_path, source, mode):
    """Into one that is open for appending the kernel does not splice."""
    data = os.urandom(MUCH)
    (tmp_path / "target").write_bytes(b"before")
    (tmp_path / "source").write_bytes(data)
    feeding = None
    with open(tmp_path / "target", mode, buffering=0) as file, contextlib.ExitStack() as stack:
        if source == "file":
            b = stack.enter_context(open(tmp_path / "source", "rb", buffering=0))
        else:
            a, b = channel(source)
            feeding = Feeding(a, data)
        assert pysock.splice(b, file) == MUCH
    if feeding:
        feeding.join()
    kept = b"before" if mode == "ab" else b""
    assert (tmp_path / "target").read_bytes() == kept + data


def test_from_files_that_are_no_files(pysock, channel):
    a, b = channel("unix")
    collecting = Collecting(b)
    with open("/proc/version", "rb", buffering=0) as file:
        assert pysock.splice(file, a) == file.tell() > 0
    with open("/dev/zero", "rb", buffering=0) as file:
        assert pysock.splice(file, a, 1_000_000) == 1_000_000
    finish(a)
    collecting.join()
    with open("/proc/version", "rb") as file:
        assert collecting.got == file.read() + bytes(1_000_000)


def test_back_to_where_it_came_from(pysock, channel):
    """An echo server in one call."""
    data = os.urandom(MUCH)
    a, b = channel("tcp")
    feeding, splicing = Feeding(a, data), Splicing(pysock, b, b)
    got = bytearray()
    while len(got) < MUCH:
        got += a.recv(1 << 20)
    feeding.join()
    splicing.join()
    assert splicing.result == MUCH and got == data


def test_many_at_once(pysock, channel):
    before = len(os.listdir("/proc/self/fd"))
    everything = []
    for _ in range(12):
        data = os.urandom(1_000_000)
        (a, b), (c, d) = channel("tcp"), channel("unix")
        everything.append(
            (data, c, Feeding(a, data), Splicing(pysock, b, c, timeout=30), Collecting(d))
        )
    for data, c, feeding, splicing, collecting in everything:
        splicing.join()
        finish(c)
        feeding.join()
        collecting.join()
        assert splicing.result == len(data) and collecting.got == data
    assert len(os.listdir("/proc/self/fd")) == before + 12 * 4  # the sockets are still open


def test_small_messages_are_not_held_back(pysock, channel):
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    splicing = Splicing(pysock, b, c)
    for number in range(50):
        data = os.urandom(20_000)  # beyond the first ones a pipe is between them
        a.sendall(data)
        d.settimeout(10)
        got = b""
        while len(got) < len(data):
            got += d.recv(len(data) - len(got))
        assert got == data, number
    finish(a)
    splicing.join()
    assert splicing.result == 50 * 20_000


class Changing:
    """Something with a descriptor, until it is asked once too often."""

    def __init__(self, end, times, then):
        self.end, self.times, self.then = end, times, then

    def fileno(self):
        self.times -= 1
        if self.times < 0:
            return self.then()
        return self.end.fileno()


# Arguments


@pytest.mark.parametrize(
    ("wrong", "exception"),
    [
        (None, TypeError),
        ("1", TypeError),
        (1.5, TypeError),
        (object(), TypeError),
        (-1, ValueError),
        (10**6, OSError),
        (Changing(None, 0, lambda: "1"), TypeError),
        (Changing(None, 0, lambda: -1), ValueError),
        (Changing(None, 0, raise_zero_division), ZeroDivisionError),
        (io.BytesIO(b"abc"), io.UnsupportedOperation),
    ],
    ids=shown,
)
def test_what_is_no_descriptor(pysock, channel, wrong, exception):
    a, b = channel("unix")
    a.sendall(b"abc")
    for ends in ((b, wrong), (wrong, a)):
        with pytest.raises(exception):
            pysock.splice(*ends)
    assert b.recv(10) == b"abc"


def test_wrong_numbers(pysock, channel):
    (a, b), (c, d) = channel("unix"), channel("unix")
    a.sendall(b"abc")
    for wrong, exception in (
        ({"count": -1}, ValueError),
        ({"count": 1.5}, TypeError),
        ({"count": "1"}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"timeout": "1"}, TypeError),
    ):
        with pytest.raises(exception):
            pysock.splice(b, c, **wrong)
    with pytest.raises(TypeError):
        pysock.splice(b)
    assert pysock.splice(b, c, True, timeout=...) == 1  # not given, as for the other calls
    assert pysock.splice(src=b, dst=c, count=2, timeout=1e300) == 2
    assert d.recv(10) == b"abc"


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET"])
def test_messages_are_no_stream(pysock, channel, kind):
    """Their boundaries would be lost, and invented."""
    (a, b), (c, d) = channel("unix"), pysock.socketpair(pysock.AF_UNIX, getattr(pysock, kind))
    with c, d:
        a.sendall(b"abc")
        c.send(b"def")
        for ends in ((b, c), (d, a), (b.fileno(), c.fileno()), (d.fileno(), a.fileno())):
            with pytest.raises(ValueError, match="SOCK_STREAM"):
                pysock.splice(*ends)
        assert (b.recv(10), d.recv(10)) == (b"abc", b"def")


def test_never_past_tls(pysock, channel):
    """What the sockets move is encrypted, and what the caller has in mind is not."""
    context = ssl.create_default_context()
    (a, b), (c, d) = channel("unix"), socket.socketpair()
    a.sendall(b"secret")
    with d, context.wrap_socket(c, server_hostname="x", do_handshake_on_connect=False) as encrypted:
        for ends in ((b, encrypted), (encrypted, b)):
            with pytest.raises(ValueError, match="SSLSocket"):
                pysock.splice(*ends)
    assert b.recv(10) == b"secret"


def test_sockets_of_the_standard_library(pysock):
    data = os.urandom(MUCH)
    a, b = socket.socketpair()
    c, d = socket.socketpair()
    with a, b, c, d:
        feeding, collecting = Feeding(a, data), Collecting(d)
        assert pysock.splice(b, c) == MUCH
        finish(c)
        feeding.join()
        collecting.join()
        assert collecting.got == data


def test_the_default_timeout_is_nobodys_business(pysock, channel):
    """A socket object made for a bare number would set the mode of what it stands for."""
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    a.sendall(b"abc")
    socket.setdefaulttimeout(0.01)
    try:
        with pytest.raises(TimeoutError) as caught:
            pysock.splice(b.fileno(), c.fileno(), timeout=0.2)
    finally:
        socket.setdefaulttimeout(None)
    assert caught.value.bytes_moved == 3
    assert os.get_blocking(b.fileno()) and os.get_blocking(c.fileno())
    assert d.recv(10) == b"abc"


def test_descriptors_by_their_numbers(pysock, channel):
    data = os.urandom(MUCH)
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    feeding, collecting = Feeding(a, data), Collecting(d)
    assert pysock.splice(b.fileno(), c.fileno()) == MUCH
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got == data
