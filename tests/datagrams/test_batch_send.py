"""sendmmsg and send_segmented: what arrives is what sendto would have brought, in every case."""

import errno
import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.datagrams import datagrams, drain, drain_batches, udp
from support.parameter_ids import shown
from support.paths import ROOT

FAMILIES = [socket.AF_INET, socket.AF_INET6]
SEGMENT = 500


# Every boundary


@pytest.mark.parametrize("gro", [False, True])
@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 128, 129, 1000])
def test_runs(pysock, family, count, connected, gro):
    with udp(pysock, family, connected=connected, gro=gro) as (a, b):
        sent = datagrams([SEGMENT] * (count - 1) + [SEGMENT // 3])
        assert a.sendmmsg(sent, None if connected else b.getsockname()) == count
        assert [data for data, _ in drain_batches(b)] == sent


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_around_a_segment(pysock, family):
    sizes = [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 65507, 0, 0, SEGMENT, SEGMENT, 1, 1, 0]
    with udp(pysock, family) as (a, b):
        sent = datagrams(sizes)
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        assert drain(b) == [(data, a.getsockname()) for data in sent]


@pytest.mark.parametrize("size", [1, 1023, 1024, 32753, 32754, 65507])
def test_runs_as_long_as_the_kernel_takes(pysock, size):
    """65,507 bytes, 64 segments: 63 times 1024 fits, 64 times does not, 2 times 32,754 neither."""
    with udp(pysock) as (a, b):
        sent = datagrams([size] * 66)
        assert a.sendmmsg(sent, b.getsockname()) == 66
        assert [data for data, _ in drain(b)] == sent


def test_one_that_is_too_long(pysock):
    with udp(pysock) as (a, b):
        with pytest.raises(OSError) as caught:
            a.sendmmsg([bytes(65508), b"x"], b.getsockname())
        assert caught.value.errno == errno.EMSGSIZE
        assert a.sendmmsg([b"x", bytes(65508), b"y"], b.getsockname()) == 1
        with pytest.raises(OSError) as caught:
            a.sendmmsg([b"never sent"], b.getsockname())
        assert caught.value.errno == errno.EMSGSIZE
        assert a.sendmmsg([b"y"], b.getsockname()) == 1
        assert [data for data, _ in drain(b)] == [b"x", b"y"]


@pytest.mark.parametrize("segment", [1, 100, 999, 1000, 1001, 65535])
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 65000, 150_000])
def test_segmented(pysock, size, segment):
    if segment == 1 and size > 2000:
        size = 2000
    data = os.urandom(size)
    expected = [data[at : at + segment] for at in range(0, size, segment)]
    with udp(pysock) as (a, b):
        if size > 65507 and segment > 65507:
            with pytest.raises(OSError) as caught:  # no datagram is that long
                a.send_segmented(data, segment, b.getsockname())
            assert caught.value.errno == errno.EMSGSIZE
            return
        assert a.send_segmented(data, segment, b.getsockname()) == size
        assert [data for data, _ in drain(b)] == expected
        a.connect(b.getsockname())
        assert a.send_segmented(bytearray(data), segment_size=segment) == size
        assert [data for data, _ in drain(b)] == expected


@pytest.mark.parametrize("segment", [0, -1, 65536])
def test_segment_sizes_that_are_none(pysock, segment):
    with udp(pysock) as (a, b):
        with pytest.raises(ValueError):
            a.send_segmented(b"x", segment, b.getsockname())


# Peers


def test_pairs_in_order(pysock):
    with udp(pysock) as (a, b), udp(pysock) as (c, d):
        pairs = [(b"%d" % i, (b if i % 3 else d).getsockname()) for i in range(300)]
        assert a.sendmmsg(iter(pairs)) == 300
        assert [x for x, _ in drain(b)] == [data for i, (data, _) in enumerate(pairs) if i % 3]
        assert [x for x, _ in drain(d)] == [data for i, (data, _) in enumerate(pairs) if not i % 3]
        mixed = [b"to b", (b"to c", c.getsockname()), b"to b too"]
        assert a.sendmmsg(mixed, b.getsockname()) == 3
        assert [data for data, _ in drain(b)] == [b"to b", b"to b too"]
        assert [data for data, _ in drain(c)] == [b"to c"]


@pytest.mark.parametrize("form", [("localhost", "PORT"), (0x7F000001, "PORT")])
def test_other_forms_of_an_address(pysock, form):
    with udp(pysock) as (a, b):
        address = (form[0], str(b.getsockname()[1]))
        assert a.sendmmsg([b"x", (b"y", address)], address) == 2
        assert a.send_segmented(b"zw", 1, address) == 2
        assert [data for data, _ in drain(b)] == [b"x", b"y", b"z", b"w"]


@pytest.mark.parametrize("connected", [True, False])
def test_unix(pysock, tmp_path, connected):
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b, pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as c:
        c.bind(str(tmp_path / "c"))
        if connected:
            assert a.sendmmsg([b"x", b"", b"yz"]) == 3
            assert b.recvmmsg(10, 10) == [(b"x", None), (b"", None), (b"yz", None)]
        else:
            assert a.sendmmsg([b"x", b"", (b"yz", str(tmp_path / "c"))], str(tmp_path / "c")) == 3
            assert [data for data, _ in c.recvmmsg(10, 10)] == [b"x", b"", b"yz"]
            assert a.send_segmented(b"abc", 2, os.fsencode(tmp_path / "c")) == 3
            assert [data for data, _ in c.recvmmsg(10, 10)] == [b"ab", b"c"]


def test_a_stream_is_what_it_was(pysock, pair):
    a, b = pair
    assert a.sendmmsg([b"ab", b"c"]) == 2
    assert b.recvmmsg(1, 10) == [(b"abc", None)]


def test_nothing_to_send(pysock):
    with udp(pysock) as (a, _):
        assert a.sendmmsg([]) == 0
        assert a.sendmmsg(iter(())) == 0


# Hostile arguments


def test_an_iterable_that_closes_the_socket(pysock):
    with udp(pysock) as (a, b):
        address = b.getsockname()

        def messages():
            yield b"x"
            a.close()
            yield b"y"

        with pytest.raises(OSError):
            a.sendmmsg(messages(), address)
        assert drain(b) == []


def test_a_list_that_shrinks_and_buffers_that_are_held(pysock):
    with udp(pysock) as (a, b):
        listed = []

        class Flags:
            def __index__(self):
                listed.clear()
                return 0

        listed += [bytearray(b"ab") for _ in range(100)]
        assert a.sendmmsg(listed, b.getsockname(), Flags()) in (0, 100)
        drain(b)
        held = bytearray(b"held")
        assert a.sendmmsg([held, memoryview(held)[1:]], b.getsockname()) == 2
        held += b"and released"
        assert [data for data, _ in drain(b)] == [b"held", b"eld"]


@pytest.mark.parametrize(
    "messages",
    [
        [None],
        ["text"],
        [1],
        [(b"x",)],
        [(b"x", 1, 2)],
        [b"x", object()],
        5,
        [memoryview(b"abcd")[::2]],
        [["x", 1]],
    ],
    ids=shown,
)
def test_what_is_no_message(pysock, messages):
    with udp(pysock) as (a, b):
        with pytest.raises((TypeError, BufferError)):
            a.sendmmsg(messages, b.getsockname())
        assert drain(b) == []


@pytest.mark.parametrize(
    "address", [5, "text", ("127.0.0.1",), ("127.0.0.1", 70000), (None, 1), ()]
)
def test_what_is_no_address(pysock, address):
    with udp(pysock) as (a, b):
        for call in (
            lambda: a.sendmmsg([b"x"], address),
            lambda: a.sendmmsg([(b"x", address)]),
            lambda: a.send_segmented(b"x", 1, address),
        ):
            with pytest.raises((TypeError, OverflowError)):
                call()


def test_a_closed_socket(pysock):
    sock = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
    sock.close()
    with pytest.raises(OSError):
        sock.sendmmsg([b"x", b"x"], ("127.0.0.1", 9))


def test_audit_events(pysock):
    program = """
import sys, pysock
seen = []
sys.addaudithook(lambda event, args: seen.append(args[1]) if event == "socket.sendmsg" else None)
a = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
b = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
b.bind(("127.0.0.1", 0)); one = b.getsockname(); other = ("127.0.0.1", 9)
a.sendmmsg([(b"x", one), (b"x", other), (b"y", tuple(list(one)))])
a.send_segmented(b"abc", 1, one)
batch = pysock.DatagramBatch(4, 10); batch.recv_into(b); batch.send(b, 2); batch.send(b, 1, other)
print(sorted(set(map(str, seen))), len(seen))
"""
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    environment["PYSOCK_NO_EXTENSIONS"] = "1" if pysock.BACKEND == "stdlib" else ""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "('127.0.0.1', 9)" in done.stdout
    # One for each address that follows another; on the fallback one for each datagram.
    assert done.stdout.endswith(" 5\n" if pysock.BACKEND == "c" else " 9\n")


# Against one by one


@settings(max_examples=150, deadline=None)
@given(
    runs=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 99, 100, 101, 1400, 9000, 40_000]),
            st.integers(1, 70),
            st.integers(0, 2),
            st.booleans(),
        ),
        max_size=6,
    ),
    gro=st.booleans(),
)
def test_as_one_by_one(pysock, runs, gro):
    with udp(pysock, gro=gro) as (a, b), udp(pysock) as (c, d):
        peers = [b, c, d]
        messages = []
        for size, count, peer, writable in runs:
            count = min(count, 300_000 // max(size, 1))
            make = bytearray if writable else bytes
            messages += [
                (make(data), peers[peer].getsockname()) for data in datagrams([size] * count)
            ]
        expected = {peer.getsockname(): [] for peer in peers}
        for data, address in messages:
            expected[address].append(data)
        assert a.sendmmsg(messages) == len(messages)
        for peer in peers:
            assert [data for data, _ in drain_batches(peer)] == expected[peer.getsockname()]
