"""Datagrams by the batch: both backends take and refuse the same arguments, as in
test_same_arguments.py; and what they give out is the same to the touch.
"""

import copy
import pickle
import socket
import sys

import pytest
from support.arguments import (
    ABOVE,
    BELOW,
    INTS,
    LEAST,
    MOST,
    NO_SOCKETS,
    READABLE,
    SIZES,
    UNREADABLE,
    Boom,
    Index,
    Lines,
    check,
    outcome,
)

pytestmark = pytest.mark.usefixtures("pysock")  # some ask only for what is made with it


@pytest.fixture
def told(pysock, udp_pair):
    """(a batch with one datagram in it, the socket that it came from and goes to, its peer)"""
    a, b = udp_pair
    a.connect(b.getsockname())
    b.connect(a.getsockname())
    b.settimeout(5)
    a.send(b"0123456789")
    batch = pysock.DatagramBatch(2, 100)
    assert batch.recv_into(b) == 1
    a.send(b"next")
    return batch, b, a


def test_sizes_of_recvmmsg(told):
    _, b, a = told
    wrong = [(-1, ValueError), (LEAST, ValueError)]
    check(lambda n: b.recvmmsg(n, 10), SIZES, wrong, [(0, ValueError), (False, ValueError)])
    check(lambda n: b.recvmmsg(1, n), SIZES, wrong)
    check(lambda flags: b.recvmmsg(1, 10, flags), INTS)
    peer = a.getsockname()
    for n in (True, Index(1), MOST):
        assert b.recvmmsg(n, Index(10)) == [(b"next", peer)]
        a.send(b"next")
    assert b.recvmmsg(1, True, Index(int(socket.MSG_PEEK))) == [(b"n", peer)]
    assert b.recvmmsg(1, False) == [(b"", peer)]
    a.send(b"next")
    assert b.recvmmsg(1, MOST) == [(b"next", peer)]  # no UDP datagram is that long


def test_messages_of_sendmmsg(told):
    _, b, _ = told
    check(b.sendmmsg, [([data], error) for data, error in UNREADABLE if data is not None])
    check(b.sendmmsg, [([(data, None)], error) for data, error in UNREADABLE])
    check(b.sendmmsg, [([data], 1) for data, _ in READABLE])
    check(
        b.sendmmsg, [([(b"x",)], TypeError), ([(b"x", None, None)], TypeError), ([()], TypeError)]
    )
    check(b.sendmmsg, [(None, TypeError), (1, TypeError), (Lines(), Boom), ("x", TypeError)])
    check(b.sendmmsg, [((), 0), (iter([b"x"]), 1)])
    check(lambda flags: b.sendmmsg([b"x"], None, flags), INTS)
    assert b.sendmmsg([b"x"], None, Index(0)) == 1


def test_segments(told):
    _, b, _ = told
    wrong = [(number, ValueError) for number in (0, -1, 65536, MOST, False)]
    check(lambda size: b.send_segmented(b"abc", size), SIZES, wrong, [(True, 3), (Index(2), 3)])
    check(lambda data: b.send_segmented(data, 2), UNREADABLE, READABLE)
    check(lambda flags: b.send_segmented(b"abc", 1, None, flags), INTS)


def test_sizes_of_a_batch(pysock):
    def sizes(slots, slot_size):
        batch = pysock.DatagramBatch(slots, slot_size)
        return batch.slots, batch.slot_size

    wrong = [(0, ValueError), (-1, ValueError), (MOST, ValueError)]
    good = [(True, (1, 1)), (Index(1), (1, 1))]
    check(lambda n: sizes(n, 1), SIZES, wrong, good, [(65537, ValueError), (65536, (65536, 1))])
    check(lambda n: sizes(1, n), SIZES, wrong, good, [(65536, ValueError), (65535, (1, 65535))])


def test_calls_of_a_batch(told):
    batch, b, _ = told
    check(batch.send, NO_SOCKETS)
    unset = [row for row in SIZES if row[0] is not None]
    wrong = [(-1, ValueError), (2, ValueError), (MOST, ValueError), (LEAST, ValueError)]
    check(lambda n: batch.send(b, n), unset, wrong, [(0, 0), (False, 0), (True, 1), (Index(1), 1)])
    check(lambda flags: batch.send(b, 1, None, flags), INTS)
    gone = [(ABOVE, IndexError), (BELOW, IndexError), (Index(2**70), IndexError)]
    wrong = [("0", TypeError), (None, TypeError), (0.0, TypeError), (slice(1), TypeError)]
    check(batch.__getitem__, gone, wrong, [(1, IndexError), (-2, IndexError), (Index(Boom), Boom)])
    assert bytes(batch[Index(-1)]) == bytes(batch[False]) == b"0123456789"
    check(batch.recv_into, NO_SOCKETS)
    check(lambda flags: batch.recv_into(b, flags), INTS)
    assert batch.recv_into(b, Index(int(socket.MSG_PEEK))) == 1


ATTRIBUTES = (
    "address control_truncated data destination drops ecn interface segment_size timestamp_ns tos "
    "truncated"
).split()


def test_a_datagram_that_is_gone(told):
    batch, b, _ = told
    datagram = batch[0]
    assert bytes(datagram.data) == b"0123456789"
    batch.recv_into(b)
    for name in ATTRIBUTES:
        assert outcome(getattr, datagram, name) is RuntimeError, name
    assert outcome(bytes, datagram) is RuntimeError
    assert len(datagram) == 10
    assert repr(datagram) == "<Datagram that is gone>"


@pytest.mark.parametrize("gone", [False, True])
def test_the_memory_of_a_datagram(pysock, told, gone):
    batch, b, _ = told
    datagram = batch[0]
    if pysock.BACKEND == "stdlib" and sys.version_info < (3, 12):
        # A class in Python has no memory to show there; `datagram.data` has it.
        assert outcome(memoryview, datagram) is TypeError
        return
    if gone:
        batch.recv_into(b)
        assert outcome(memoryview, datagram) is RuntimeError
        return
    with memoryview(datagram) as view:
        view[:2] = b"XY"
    assert bytes(datagram) == b"XY23456789"


def test_a_datagram_is_made_by_a_batch_alone(pysock, told):
    assert outcome(type(told[0][0])) is TypeError


def test_whether_datagrams_are_joined(told):
    _, b, _ = told
    released = memoryview(b"x")
    released.release()
    check(b.set_gro, [(released, ValueError), ("x", None), (None, None), (1.5, None)])


def test_no_copies_of_a_batch(told):
    for call in (copy.copy, copy.deepcopy, pickle.dumps):
        assert outcome(call, told[0]) is TypeError


# Control messages, capabilities


def test_control_messages(pysock):
    def parse(*entries):
        return type(pysock.parse_ancillary(entries)).__name__

    check(lambda level: parse((level, 2, b"")), INTS, [(None, TypeError)])
    check(lambda kind: parse((1, kind, b"")), INTS, [(None, TypeError)])
    check(lambda data: parse((1, 29, data)), UNREADABLE)
    check(lambda data: parse((1, 29, data)), [(data, "Ancillary") for data, _ in READABLE])
    short_or_long = [(), (1,), (1, 2), (1, 2, b"", b""), "ab", b"abcd", [1, 2]]
    check(parse, [(entry, TypeError) for entry in (*short_or_long, None, 1, object(), "abc")])
    check(parse, [(entry, "Ancillary") for entry in ([1, 2, b""], (True, Index(2), b""))])
    check(pysock.parse_ancillary, [(None, TypeError), (1, TypeError), ("x", TypeError)])
    check(lambda _: pysock.parse_ancillary(Lines()), [(0, Boom)])


def test_what_control_messages_said_stays_said(pysock):
    told = pysock.parse_ancillary([(0, 1, b"\x03")])
    for name in ("timestamp_ns", "destination", "interface", "tos", "ecn", "segment_size", "drops"):
        assert outcome(setattr, told, name, 1) is AttributeError, name
        assert outcome(delattr, told, name) is AttributeError, name
    assert outcome(setattr, told, "other", 1) is AttributeError
    assert (told.tos, told.ecn) == (3, 3)


def test_capabilities_of(pysock, udp_pair):
    def names(sock):
        return sorted(pysock.capabilities(sock))

    known = ["batch", "gro_segments", "gso_segments", "zerocopy"]
    check(names, [row for row in NO_SOCKETS if row[0] is not None])
    check(names, [(None, known), (udp_pair[0], known)])
    with socket.socket() as standard:
        check(names, [(standard, known)])


def test_a_subclass_takes_its_arguments_in_new(pysock):
    """The memory is there with the object, as that of bytes is."""

    class Named(pysock.DatagramBatch):
        def __new__(cls, name, slots):
            self = super().__new__(cls, slots, 100)
            self.name = name
            return self

    batch = Named("one", 4)
    assert (batch.name, batch.slots, batch.slot_size) == ("one", 4, 100)

    class Initialised(pysock.DatagramBatch):
        def __init__(self, name):
            super().__init__()

    with pytest.raises(TypeError):
        Initialised("one")
