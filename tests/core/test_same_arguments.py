"""What pysock adds to `socket` takes and refuses the same arguments on both backends.

A call for each value of the tables of arguments.py, and of its own: the class of its exception, or
what it returns. Those of datagrams by the batch are in test_batch_arguments.py.
"""

import array
import copy
import io
import os
import pickle

import pytest
from support.arguments import (
    ABOVE,
    BELOW,
    INTS,
    LEAST,
    MOST,
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
from support.streams import connection

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
    check(full.readexactly, SIZES, [(-1, ValueError), (LEAST, ValueError), (True, b"0")])
    check(full.peek, SIZES)


def test_a_size_of_a_stream_that_is_taken(full):
    check(full.read, [(Index(1), b"0"), (True, b"1"), (0, b"")])
    check(full.readexactly, [(Index(1), b"2"), (0, b"")])
    check(
        full.readline,
        [(Index(1), b"3"), (None, b"456789ABCDE\n"), (LEAST, b"0123456789ABCDE\n")],
    )
    check(full.readline, [(MOST, b"0123456789ABCDE\n")])
    seen = full.peek()
    check(full.peek, [(size, seen) for size in (-1, 0, Index(1), True, MOST, LEAST)])
    check(full.read1, [(Index(1), b"0"), (LEAST, seen[1:])])


def test_limit_and_buffer_size(pysock):
    def stream_with(**sizes):
        a, b = pysock.socketpair()
        with a, b, pysock.Stream(a, **sizes):
            return "made"

    for name in ("limit", "buffer_size"):
        check(
            lambda size, name=name: stream_with(**{name: size}),
            SIZES,
            [(0, ValueError), (-1, ValueError), (LEAST, ValueError), (False, ValueError)],
            [(1, "made"), (True, "made"), (Index(1), "made"), (1 << 20, "made")],
        )
    assert stream_with(limit=MOST) == "made"


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
    check(b.recv_exactly, SIZES, [(-1, ValueError), (LEAST, ValueError)])
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


# Descriptors


def test_numbers_of_recv_fds(pair):
    a, b = pair
    a.sendall(b"01234567")
    wrong = [(-1, ValueError), (LEAST, ValueError)]
    check(lambda n: b.recv_fds(n, 1), SIZES, wrong)
    check(lambda n: b.recv_fds(1, n), SIZES, wrong)
    check(lambda flags: b.recv_fds(1, 1, flags), INTS)
    for n in (True, Index(1)):
        assert b.recv_fds(n, n, Index(0))[1] == []
    assert b.recv_fds(1, MOST)[0] == b"2"


def test_descriptors_to_send(pair):
    a, _ = pair
    check(
        lambda fds: a.send_fds([b"x"], fds),
        [(None, TypeError), (1, TypeError), ([b"x"], TypeError)],
    )
    check(lambda fds: a.send_fds([b"x"], fds), [([1.5], TypeError), ([2**31], OverflowError)])
    check(lambda data: a.send_fds([data], [0]), UNREADABLE)
    check(lambda flags: a.send_fds([b"x"], [0], flags), INTS)


def test_what_is_spliced(pysock, pair):
    a, b = pair
    no_file = [(None, TypeError), ("x", TypeError), (object(), TypeError), (1.0, TypeError)]
    no_file += [(-1, ValueError), (-(2**31), ValueError), (2**31, OverflowError)]
    no_file += [(-(2**31) - 1, OverflowError), (ABOVE, OverflowError), (BELOW, OverflowError)]
    check(lambda end: pysock.splice(end, a, 0), no_file)
    check(lambda end: pysock.splice(a, end, 0), no_file)
    no_count = [("1", TypeError), (1.0, TypeError), (Index("x"), TypeError), (Index(Boom), Boom)]
    no_count += [(-1, ValueError), (BELOW, ValueError), (-(2**70), ValueError)]
    check(lambda n: pysock.splice(a, a, n), no_count)
    b.sendall(b"0123")
    with open(os.devnull, "wb", buffering=0) as target:
        check(lambda n: pysock.splice(a, target, n, 5), [(Index(1), 1), (True, 1), (0, 0)])
        check(lambda seconds: pysock.splice(a, target, 1, seconds), SECONDS, [(-1, ValueError)])


# Zero-copy sends


def test_flags_and_memory_of_a_zero_copy_send(pair):
    a, _ = pair
    check(a.send_zerocopy, UNREADABLE, READABLE)
    check(lambda flags: a.send_zerocopy(b"x", flags), INTS, [(Index(0), 1), (False, 1)])


# What the module has


def test_how_many_bytes_the_gil_is_held_for(pysock):
    before = pysock.get_gil_hold()
    try:
        check(pysock.set_gil_hold, SIZES, [(-1, ValueError), (LEAST, ValueError)])
        assert pysock.get_gil_hold() == before
        for number in (0, True, Index(5), MOST):
            pysock.set_gil_hold(number)
            kept = pysock.get_gil_hold()
            assert type(kept) is int and kept == getattr(number, "value", number)
    finally:
        pysock.set_gil_hold(before)


def test_what_takes_no_arguments(pysock, pair):
    calls = [pysock.get_gil_hold, pysock.install, pysock.uninstall, pysock.installed]
    calls += [pair[0].peercred, pair[0].zerocopy_pending]
    for call in calls:
        assert outcome(call, 1) is TypeError
        assert outcome(call, x=1) is TypeError
