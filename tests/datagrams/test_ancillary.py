"""parse_ancillary: what the control messages of recvmsg say, by the parser of the batches."""

import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.datagrams import udp
from support.legs import load


def test_ancillary_of_recvmsg(pysock):
    with udp(pysock, socket.AF_INET6) as (a, b):
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_TIMESTAMPNS, 1)
        b.setsockopt(pysock.IPPROTO_IPV6, pysock.IPV6_RECVTCLASS, 1)
        b.setsockopt(pysock.IPPROTO_IPV6, pysock.IPV6_RECVPKTINFO, 1)
        a.setsockopt(pysock.IPPROTO_IPV6, pysock.IPV6_TCLASS, 3)
        a.sendto(b"x", b.getsockname())
        told = pysock.parse_ancillary(b.recvmsg(10, 200)[1])
        assert (told.destination, told.tos, told.ecn, told.drops) == ("::1", 3, 3, None)
        assert abs(told.timestamp_ns - time.time_ns()) < 10**9
        assert "destination='::1'" in repr(told)


ITEMS = {
    (1, 35): [
        (b"", None),
        (struct.pack("ll", 5, 7), 5_000_000_007),
        (bytes(struct.calcsize("ll") - 1), None),
        (struct.pack("ll", -1, 0), None),
        (struct.pack("ll", 1, 10**9), None),
    ],
    (1, 29): [(struct.pack("ll", 5, 7), 5_000_007_000), (struct.pack("ll", 5, -7), None)],
    (1, 37): [(struct.pack("6l", 5, 7, 0, 0, 0, 0), 5_000_000_007), (bytes(48), None)],
    # Times of 64-bit integers, on whatever machine: SO_TIMESTAMPNS_NEW and its like.
    (1, 64): [
        (struct.pack("qq", 2**33, 7), 2**33 * 10**9 + 7),
        (struct.pack("qq", 5, 7)[:15], None),
        (struct.pack("qq", 2**63 // 10**9 - 2, 0), (2**63 // 10**9 - 2) * 10**9),
        (struct.pack("qq", 2**63 // 10**9, 0), None),
    ],
    (1, 63): [(struct.pack("qq", 2**33, 7), 2**33 * 10**9 + 7000)],
    (1, 65): [(struct.pack("6q", 2**33, 7, 0, 0, 0, 0), 2**33 * 10**9 + 7), (bytes(48), None)],
}


# asm/socket.h of these machines, in the order of ITEMS.
@pytest.mark.parametrize(
    "machine, numbers",
    [
        ("x86_64", [35, 29, 37, 64, 63, 65]),
        ("mips64", [35, 29, 37, 64, 63, 65]),
        ("sparc64", [33, 29, 35, 66, 70, 67]),
        ("parisc64", [0x4013, 0x4012, 0x4020, 0x4039, 0x4038, 0x403A]),
    ],
)
def test_numbers_of_other_machines(machine, numbers):
    socket_level = load("fallback").parse_ancillary.__globals__["_socket_level"]
    kinds = {kind: entry for (_, kind), entry in socket_level(machine).items()}
    here = {kind: entry for (_, kind), entry in socket_level("").items()}
    for (_, generic), number in zip(ITEMS, numbers, strict=True):
        assert kinds[number] == here[generic]


@pytest.mark.parametrize("kind", ITEMS)
def test_timestamps(pysock, kind):
    for data, expected in ITEMS[kind]:
        assert pysock.parse_ancillary([(*kind, data)]).timestamp_ns == expected


def test_ancillary_items(pysock):
    parse = pysock.parse_ancillary
    assert parse([(1, 40, struct.pack("I", 2**32 - 1))]).drops == 2**32 - 1
    assert parse([(0, 1, b"\xff")]).tos == 255
    assert parse([(41, 67, struct.pack("i", 255))]).ecn == 3
    assert parse(iter([(0, 8, struct.pack("i4s4s", 7, bytes(4), b"\1\2\3\4"))])).interface == 7
    assert parse([(41, 50, bytearray(15) + b"\1" + struct.pack("I", 9))]).destination == "::1"
    assert parse([(17, 104, struct.pack("i", 1400))]).segment_size == 1400
    assert parse([(17, 104, struct.pack("i", -1))]).segment_size is None
    assert parse([]).tos is parse([(99, 99, b"")]).tos is None
    for wrong in (5, [1], [(1, 2)], [(1, 2, "text")], [(1, 2, 3, 4)]):
        with pytest.raises((TypeError, ValueError)):
            parse(wrong)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 17, 41]),
            st.sampled_from([1, 8, 13, 29, 35, 37, 40, 50, 63, 64, 65, 67, 104]),
            st.binary(max_size=60),
        )
    )
)
def test_both_backends_read_the_same(ancdata):
    names = ["timestamp_ns", "destination", "interface", "tos", "ecn", "segment_size", "drops"]
    one, other = (load(leg).parse_ancillary(ancdata) for leg in ("c", "fallback"))
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
