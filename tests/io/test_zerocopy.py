"""send_zerocopy: every byte as it was, every buffer held until the kernel is done, no longer."""

import array
import contextlib
import ctypes
import itertools
import mmap
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys

import pytest
from support.datagrams import datagrams, drain, network_namespace, udp
from support.zerocopy import (
    MSG_ZEROCOPY,
    PIECE,
    SO_TIMESTAMPING,
    TX_TIMESTAMPS,
    Reader,
    fill,
    is_held,
    lockable,
    noise,
    pieces,
    read_exactly,
    tcp,
)

# What arrives


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("size", [1, 4096, 16384, 16385, 1_000_003, 9_000_000])
def test_every_byte(pysock, host, timeout, size):
    size = min(size, lockable() // 4)  # a quarter: the memory of all the user's processes counts
    with tcp(pysock, host) as (a, b):
        reader = Reader(b)
        a.settimeout(timeout)
        data = memoryview(noise(size))
        sends = at = 0
        while at < size:
            n = a.send_zerocopy(data[at:])
            assert n > 0 and (timeout or n == size)
            at += n
            sends += 1
        completed, copied = a.reap_zerocopy()
        assert (completed, a.zerocopy_pending()) == (sends * pysock.capabilities()["zerocopy"], 0)
        assert copied <= completed
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == data


@pytest.mark.parametrize("size", [None, 4096])
def test_every_kind_of_buffer(pysock, size):
    whole = noise(100_000)
    page = mmap.mmap(-1, 100_000)
    page[:] = whole
    kinds = [
        whole,
        bytearray(whole),
        memoryview(whole),
        memoryview(whole).cast("I"),
        array.array("d", whole),
        (ctypes.c_char * len(whole)).from_buffer_copy(whole),
        page,
    ]
    with tcp(pysock) as (a, b):
        reader = Reader(b)
        for buffer in kinds:
            assert a.send_zerocopy(buffer) == len(whole)
        a.reap_zerocopy(30)
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == whole * len(kinds)
        page.close()  # nothing exports it any more


@pytest.mark.parametrize(
    ("buffer", "flags", "error"),
    [
        ("text", 0, TypeError),
        (None, 0, TypeError),
        (memoryview(b"abcd")[::2], 0, BufferError),
        (b"x", "0", TypeError),
        (b"x", 1.0, TypeError),
        (b"x", 1 << 40, OverflowError),
    ],
)
def test_arguments_that_are_none(pysock, buffer, flags, error):
    with tcp(pysock) as (a, _):
        with pytest.raises(error):
            a.send_zerocopy(buffer, flags)
        assert a.zerocopy_pending() == 0
        assert a.reap_zerocopy() == (0, 0)


def test_an_empty_buffer(pysock):
    with tcp(pysock) as (a, _):
        assert a.send_zerocopy(b"") == 0
        assert a.zerocopy_pending() == 0
    with udp(pysock, connected=True) as (a, b):
        assert a.send_zerocopy(b"") == 0
        assert b.recv(10) == b""


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_datagrams(pysock, zero, family):
    with udp(pysock, family, connected=True) as (a, b):
        sent = datagrams([1, 60_000, 1472, 9000] * 10)
        for data in sent:
            assert a.send_zerocopy(data) == len(data)
        assert a.reap_zerocopy()[0] == len(sent) * zero
        assert [data for data, _ in drain(b)] == sent


def test_a_family_that_always_copies(pysock, pair):
    a, b = pair
    assert a.send_zerocopy(b"copied") == 6
    assert (a.zerocopy_pending(), a.reap_zerocopy()) == (0, (0, 0))
    assert b.recv(10) == b"copied"
    assert pysock.capabilities(a)["zerocopy"] == 0


def test_the_flags(pysock, zero):
    with tcp(pysock) as (a, b):
        assert a.send_zerocopy(b"abc", MSG_ZEROCOPY | pysock.MSG_MORE) == 3
        assert a.send_zerocopy(buffer=b"d", flags=pysock.MSG_NOSIGNAL) == 1
        assert a.send_zerocopy(b"!", pysock.MSG_OOB) == 1  # means what it means to send()
        assert read_exactly(b, 4) == b"abcd"
        assert b.recv(1, pysock.MSG_OOB) == b"!"
        assert a.reap_zerocopy(30)[0] == 2 * zero
        fill(a, pieces())
        with pytest.raises(BlockingIOError):
            a.send_zerocopy(b"x", pysock.MSG_DONTWAIT)
        a.shutdown(pysock.SHUT_WR)
        Reader(b).all()
        a.reap_zerocopy(30)


def test_it_is_not_copied(pysock, zero):
    """What is changed before the kernel has sent it arrives changed: so it must not be."""
    with tcp(pysock) as (a, b):
        buffers = [bytearray(b"x") * PIECE for _ in range(1000)]
        went, sends = fill(a, buffers)
        for buffer in buffers:
            buffer[:] = b"y" * len(buffer)
        arrived = read_exactly(b, len(went))
        assert (b"y" in arrived) == zero
        assert a.reap_zerocopy(30)[0] == sends * zero


# What is held


def test_each_pending_send_is_a_reference(pysock, zero):
    with tcp(pysock) as (a, b):
        buffer = noise(PIECE)
        before = sys.getrefcount(buffer)
        went, sends = fill(a, itertools.repeat(buffer))
        pending = a.zerocopy_pending()
        assert (pending > 0) == zero
        assert sys.getrefcount(buffer) == before + pending
        read_exactly(b, len(went))
        a.reap_zerocopy(30)
        assert (a.zerocopy_pending(), sys.getrefcount(buffer)) == (0, before)


def test_what_is_pending_is_held_and_what_is_not_is_not(pysock, zero):
    with tcp(pysock, rcvbuf=1 << 16) as (a, b):
        buffers = [bytearray(noise(PIECE, seed)) for seed in range(100)]
        went, sends = fill(a, buffers)
        pending = a.zerocopy_pending()
        assert (pending > 0) == zero
        held = [buffer for buffer in buffers[:sends] if is_held(buffer)]
        assert held == buffers[sends - pending : sends]
        assert read_exactly(b, len(went)) == went
        completed = a.reap_zerocopy(30)[0]
        assert completed == sends * zero
        assert not any(map(is_held, buffers))


def test_a_send_that_fails_holds_nothing(pysock):
    with tcp(pysock, sndbuf=1 << 19, rcvbuf=1 << 16) as (a, b):
        fill(a, pieces())
        pending = a.zerocopy_pending()
        refused = bytearray(PIECE)
        a.setblocking(False)
        with pytest.raises(BlockingIOError):
            a.send_zerocopy(refused)
        assert not is_held(refused)
        a.settimeout(0.02)
        with pytest.raises(TimeoutError):
            a.send_zerocopy(refused)
        assert not is_held(refused)
        a.shutdown(pysock.SHUT_WR)
        with pytest.raises(BrokenPipeError):
            a.send_zerocopy(refused)
        assert not is_held(refused)
        assert a.zerocopy_pending() == pending
        Reader(b).all()
        assert a.reap_zerocopy(30)[0] >= pending


def test_partial_sends_hold_what_they_sent(pysock, zero):
    """With a send buffer of nothing each call takes a part, and each part is a send of its own."""
    with tcp(pysock, sndbuf=4096) as (a, b):
        a.setblocking(False)
        data = noise(300_000)
        buffer = bytearray(data)
        view = memoryview(buffer)
        at = sends = completed = 0
        arrived = b""
        while len(arrived) < len(data):
            with contextlib.suppress(BlockingIOError):
                while at < len(data):
                    at += a.send_zerocopy(view[at:])
                    sends += 1
            if a.zerocopy_pending():
                assert is_held(buffer)
            if select.select([b], [], [], 0.01)[0]:  # or it waits for an acknowledgement
                arrived += b.recv(1 << 16)
        view.release()
        completed += a.reap_zerocopy(30)[0]
        assert arrived == data
        assert completed == sends * zero
        assert sends > 1
        assert not is_held(buffer)


def test_one_blocking_send_of_many_parts_is_one(pysock, zero):
    with tcp(pysock, sndbuf=4096) as (a, b):
        reader = Reader(b)
        buffer = bytearray(noise(500_000))
        assert a.send_zerocopy(buffer) == len(buffer)
        assert a.reap_zerocopy(30)[0] == zero
        assert not is_held(buffer)
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == buffer


def test_many_sends_that_are_done_at_once(pysock, zero):
    """Nobody asks before the last one: the kernel tells of most of them by one notice."""
    with tcp(pysock) as (a, b):
        reader = Reader(b)
        buffer = bytearray(noise(5000))
        for _ in range(2000):
            assert a.send_zerocopy(buffer) == 5000
        assert a.reap_zerocopy(30)[0] == 2000 * zero
        assert not is_held(buffer)
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == bytes(buffer) * 2000


def test_a_peer_that_resets(pysock, zero):
    with tcp(pysock) as (a, b):
        buffers = [bytearray(PIECE) for _ in range(100)]
        _, sends = fill(a, buffers)
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_LINGER, struct.pack("ii", 1, 0))
        b.close()
        assert a.reap_zerocopy(30)[0] == sends * zero
        assert not any(map(is_held, buffers))
        a.settimeout(5)
        for error in (ConnectionResetError, BrokenPipeError):
            with pytest.raises(error):
                a.send_zerocopy(buffers[0])
        assert a.zerocopy_pending() == 0
        assert not is_held(buffers[0])


def test_memory_that_cannot_be_pinned(pysock):
    """The kernel's own page in this process: it may be read, not lent."""
    maps = pathlib.Path("/proc/self/maps").read_text().splitlines()
    [line] = [line for line in maps if line.endswith("[vvar]")]
    page = (ctypes.c_char * 4096).from_address(int(line.partition("-")[0], 16))
    with tcp(pysock) as (a, b):
        assert a.send_zerocopy(page) == 4096
        assert a.zerocopy_pending() == 0
        read_exactly(b, 4096)
        assert a.send_zerocopy(bytes(5000)) == 5000
        read_exactly(b, 5000)
        assert a.reap_zerocopy(30)[0] == pysock.capabilities(a)["zerocopy"]


# The kernel's limits


def test_ten_thousand_sends_that_nobody_reaps(pysock, zero):
    """Transmit timestamps keep the notices apart: each takes some of the kernel's memory."""
    with udp(pysock, connected=True) as (a, b):
        a.setsockopt(pysock.SOL_SOCKET, SO_TIMESTAMPING, TX_TIMESTAMPS)
        for i in range(10_000):
            assert a.send_zerocopy(i.to_bytes(4, "big") * 100) == 400
            assert b.recv(1000) == i.to_bytes(4, "big") * 100
        assert a.zerocopy_pending() == 0
        assert a.reap_zerocopy()[0] == 10_000 * zero
        if zero:  # by hand, they come to an end
            with pytest.raises(OSError, match="No buffer space available"):
                for _ in range(10_000):
                    a.send(bytes(400), MSG_ZEROCOPY)


LOCKS_NO_MEMORY = """
import os, resource, sys
sys.path.insert(0, sys.argv[1])
import pysock

with pysock.create_server(("127.0.0.1", 0)) as listener:
    a = pysock.create_connection(listener.getsockname())
    b, _ = listener.accept()
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
if os.getuid() == 0:
    os.setuid(65534)  # root may lock what it likes
with a, b:
    data = bytes(range(250)) * 200
    for timeout in (None, 30, 0):
        a.settimeout(timeout)
        sent = a.send_zerocopy(data)
        assert a.zerocopy_pending() == 0
        assert b.recv(sent, pysock.MSG_WAITALL) == data[:sent]
    assert a.reap_zerocopy() == (0, 0)
    print(pysock.BACKEND, pysock.capabilities(a)["zerocopy"])
"""


def test_a_process_that_may_lock_no_memory(pysock, zero):
    """RLIMIT_MEMLOCK: then the sends copy, and nothing is pending."""
    root = pathlib.Path(pysock.__file__).parents[1]
    env = dict(os.environ, PYSOCK_NO_EXTENSIONS="1" if pysock.BACKEND == "stdlib" else "")
    command = [sys.executable, "-c", LOCKS_NO_MEMORY, root]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert (done.stdout, done.stderr) == (f"{pysock.BACKEND} {zero:d}\n", "")


def test_a_device_to_which_nothing_is_copied(pysock, zero):
    try:
        with network_namespace():
            for command in (
                "link add v0 type veth peer name v1",
                "addr add 192.0.2.1/24 dev v0",
                "link set v0 up",
                "link set v1 up",
                "neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0",
            ):
                subprocess.run(["ip", *command.split()], check=True)
            with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as sock:
                sock.connect(("192.0.2.2", 9))
                sock.send_zerocopy(bytes(1000))
                assert sock.reap_zerocopy(30) == (zero, 0)
    except (PermissionError, FileNotFoundError) as error:
        pytest.skip(f"no network namespace: {error}")
