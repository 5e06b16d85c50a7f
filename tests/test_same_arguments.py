"""What pysock adds to `socket` takes and refuses the same arguments on both backends.

A call for each value of the tables of arguments.py, and of its own: the class of its exception, or
what it returns. Those of datagrams by the batch are in test_batch_arguments.py.
"""

import array
import copy
import io
import pickle

import pytest
from arguments import (
    NO_SOCKETS,
    PIECES,
    READABLE,
    SECONDS,
    SIZES,
    UNREADABLE,
    UNWRITABLE,
    WRITABLE,
    Boom,
    Index,
    Lines,
    check,
    outcome,
)
from streams import connection

pytestmark = pytest.mark.usefixtures("pysock")  # some ask only for what is made with it


@pytest.fixture
def full(stream):
    """A Stream that has more than any of these calls reads."""
    peer, stream = stream
    stream.sock.settimeout(5)
    for _ in range(4):
        peer.sendall(b"0123456789ABCDE\n" * 16)
    return stream


# Stream


def test_a_size_of_a_stream(pysock, full):
    for name in ("read", "read1", "readline", "readlines"):
        unset = name != "read1"  # what has no size in `io`, None says so of
        check(getattr(full, name), SIZES[:2] if unset else SIZES[:3], SIZES[3:])
    check(full.readexactly, SIZES, [(-1, ValueError), (-(2**63), ValueError), (True, b"0")])
    check(full.peek, SIZES)


def test_a_size_of_a_stream_that_is_taken(full):
    check(full.read, [(Index(1), b"0"), (True, b"1"), (0, b"")])
    check(full.readexactly, [(Index(1), b"2"), (0, b"")])
    check(
        full.readline,
        [(Index(1), b"3"), (None, b"456789ABCDE\n"), (-(2**63), b"0123456789ABCDE\n")],
    )
    check(full.readline, [(2**63 - 1, b"0123456789ABCDE\n")])
    seen = full.peek()
    check(full.peek, [(size, seen) for size in (-1, 0, Index(1), True, 2**63 - 1, -(2**63))])
    check(full.read1, [(Index(1), b"0"), (-(2**63), seen[1:])])


def test_limit_and_buffer_size(pysock):
    def stream_with(**sizes):
        a, b = pysock.socketpair()
        with a, b, pysock.Stream(a, **sizes):
            return "made"

    for name in ("limit", "buffer_size"):
        check(
            lambda size, name=name: stream_with(**{name: size}),
            SIZES,
            [(0, ValueError), (-1, ValueError), (-(2**63), ValueError), (False, ValueError)],
            [(1, "made"), (True, "made"), (Index(1), "made"), (1 << 20, "made")],
        )
    assert stream_with(limit=2**63 - 1) == "made"


def test_what_a_stream_is_on(pysock, udp_pair):
    check(pysock.Stream, NO_SOCKETS, [(udp_pair[0], ValueError)])


def test_memory_that_a_stream_reads_into(full):
    for name in ("readinto", "readinto1", "readinto_exactly"):
        check(getattr(full, name), UNWRITABLE, WRITABLE)


def test_memory_that_a_stream_writes(full):
    check(full.write, UNREADABLE, READABLE)
    check(full.writelines, [([data], error) for data, error in UNREADABLE])
    check(full.writelines, [([data], None) for data, _ in READABLE])
    check(full.writelines, [(None, TypeError), (1, TypeError), (Lines(), Boom), (iter([]), None)])
    full.flush()


def test_separators(full):
    check(
        full.readuntil,
        [("\n", TypeError), (None, TypeError), (10, TypeError), ([b"\n"], TypeError)],
        [(b"", ValueError), ((), ValueError), ((b"", b"\n"), ValueError), (("\n",), TypeError)],
        [
            (bytearray(b"1"), b"01"),
            (memoryview(b"2"), b"2"),
            ((b"4", array.array("b", b"3")), b"3"),
        ],
    )


def test_times_of_a_stream(full):
    for call in (full.read1, full.readline, full.peek, full.flush):
        check(lambda value, call=call: call(timeout=value), SECONDS, [(-1, ValueError)])
        check(lambda value, call=call: call(deadline=value), SECONDS)
        assert outcome(call, timeout=1, deadline=1) is TypeError


@pytest.mark.parametrize("end", ["close", "detach"])
def test_a_stream_that_is_over(pysock, end):
    with connection(pysock, "plain") as (_, b):
        stream = pysock.Stream(b)
        getattr(stream, end)()
        names = ["__enter__", "__iter__", "__next__", "fileno", "flush", "isatty", "peek", "read"]
        names += ["read1", "readable", "readline", "readlines", "readuntil", "seekable", "writable"]
        for name in names:
            assert outcome(getattr(stream, name)) is ValueError, name
        for name in ("write", "readinto", "readinto1", "readinto_exactly"):
            assert outcome(getattr(stream, name), bytearray(1)) is ValueError, name
        assert outcome(stream.readexactly, 1) is ValueError
        assert outcome(stream.writelines, []) is ValueError
        for name in ("seek", "truncate"):
            assert outcome(getattr(stream, name), 0) is io.UnsupportedOperation
        assert stream.close() is None
        assert stream.__exit__(None, None, None) is None


def test_no_copies(stream):
    for call in (copy.copy, copy.deepcopy, pickle.dumps):
        assert outcome(call, stream[1]) is TypeError


# Whole transfers


def test_a_size_to_receive_exactly(pair):
    a, b = pair
    a.sendall(b"01234")
    check(b.recv_exactly, SIZES, [(-1, ValueError), (-(2**63), ValueError)])
    check(b.recv_exactly, [(True, b"0"), (Index(2), b"12"), (0, b""), (False, b"")])


def test_memory_to_receive_exactly(pair):
    a, b = pair
    a.sendall(bytes(100))
    check(b.recv_exactly_into, UNWRITABLE, WRITABLE)


def test_buffers_to_send(pair):
    a, _ = pair
    check(a.sendmsg_all, [([data], error) for data, error in UNREADABLE])
    check(a.sendmsg_all, [([data], None) for data, _ in READABLE])
    check(a.sendmsg_all, [(None, TypeError), (1, TypeError), (Lines(), Boom), ("x", TypeError)])
    check(a.sendmsg_all, [(b"x", TypeError), (PIECES, TypeError), ((), None), (iter([b"x"]), None)])


def test_times_of_a_whole_transfer(pair):
    a, b = pair
    b.sendall(b"x")
    calls = [
        lambda **time: a.recv_exactly(1, **time),
        lambda **time: a.recv_exactly_into(bytearray(1), **time),
        lambda **time: a.sendmsg_all([b"x"], **time),
        a.reap_zerocopy,
    ]
    for call in calls:
        check(lambda value, call=call: call(timeout=value), SECONDS, [(-1, ValueError)])
        check(lambda value, call=call: call(deadline=value), SECONDS)
        assert outcome(call, timeout=1, deadline=1) is TypeError
