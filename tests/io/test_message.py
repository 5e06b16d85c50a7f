"""sendmsg, recvmsg, recvmsg_into: control messages, many buffers, descriptors that arrive."""

import array
import os
import socket
import struct

import pytest


def test_scatter_and_gather(net, pair):
    a, b = pair
    assert a.sendmsg(iter([b"ab", bytearray(b"cd"), memoryview(b"efg")])) == 7
    first, second = bytearray(3), bytearray(10)
    assert b.recvmsg_into([first, second]) == (7, [], 0, None)
    assert first == b"abc" and second[:4] == b"defg"


@pytest.mark.parametrize("count", [0, 1, 1000, 1024])
def test_as_many_buffers_as_the_kernel_takes(net, pair, count):
    a, b = pair
    assert a.sendmsg([b"x"] * count) == count
    if count:
        assert b.recvmsg(5000)[0] == b"x" * count
    with pytest.raises(OSError):
        a.sendmsg([b"x"] * 1025)


def test_flags_and_address_of_a_datagram(net, udp_pair):
    a, b = udp_pair
    a.sendto(b"0123456789", b.getsockname())
    assert b.recvmsg(4) == (b"0123", [], net.MSG_TRUNC, a.getsockname())
    a.sendmsg([b"01234", b"56789"], [], 0, b.getsockname())
    assert b.recvmsg(4, 0, net.MSG_PEEK) == (b"0123", [], net.MSG_TRUNC, a.getsockname())
    room = bytearray(10)
    assert b.recvmsg_into([room]) == (10, [], 0, a.getsockname())
    assert room == b"0123456789"


def test_descriptors_arrive(net, pair):
    a, b = pair
    r, w = os.pipe()
    try:
        rights = [(net.SOL_SOCKET, net.SCM_RIGHTS, array.array("i", [r, w]))]
        assert a.sendmsg([b"x"], rights) == 1
        data, ancdata, flags, address = b.recvmsg(10, net.CMSG_SPACE(8))
        assert (data, flags & ~net.MSG_CMSG_CLOEXEC, address) == (b"x", 0, None)
        [(level, type, packed)] = ancdata
        assert (level, type) == (net.SOL_SOCKET, net.SCM_RIGHTS)
        received = struct.unpack("2i", packed)
        os.write(received[1], b"through")
        assert os.read(r, 10) == b"through"
        for fd in received:
            os.close(fd)
    finally:
        os.close(r)
        os.close(w)


def test_a_control_buffer_that_is_too_small(net, pair):
    a, b = pair
    fds = [os.dup(0) for _ in range(4)]
    try:
        a.sendmsg([b"x"], [(net.SOL_SOCKET, net.SCM_RIGHTS, array.array("i", fds))])
        data, ancdata, flags, _ = b.recvmsg(1, net.CMSG_LEN(8))
        assert data == b"x" and flags & net.MSG_CTRUNC
        [(_, _, packed)] = ancdata
        for fd in struct.unpack(f"{len(packed) // 4}i", packed):
            os.close(fd)
        a.sendmsg([b"y"], [(net.SOL_SOCKET, net.SCM_RIGHTS, array.array("i", fds))])
        assert b.recvmsg(1, 0)[2] & net.MSG_CTRUNC  # the kernel closed them
    finally:
        for fd in fds:
            os.close(fd)


def test_several_control_messages(net):
    a = net.socket(net.AF_INET6, net.SOCK_DGRAM)
    b = net.socket(net.AF_INET6, net.SOCK_DGRAM)
    with a, b:
        b.bind(("::1", 0))
        b.setsockopt(net.IPPROTO_IPV6, net.IPV6_RECVTCLASS, 1)
        b.setsockopt(net.IPPROTO_IPV6, net.IPV6_RECVHOPLIMIT, 1)
        sent = [
            (net.IPPROTO_IPV6, net.IPV6_TCLASS, struct.pack("i", 0x17)),
            (net.IPPROTO_IPV6, net.IPV6_HOPLIMIT, struct.pack("i", 42)),
        ]
        assert a.sendmsg([b"x"], sent, 0, b.getsockname()) == 1
        ancdata = b.recvmsg(1, 200)[1]
        assert sorted(ancdata) == sorted(sent)


@pytest.mark.parametrize(
    "ancdata",
    [
        [(1, 1)],
        [(1, 1, b"", 1)],
        [1],
        [None],
        [(1.5, 1, b"")],
        [(1, "1", b"")],
        [(1, 1, "text")],
        [(2**31, 1, b"")],
        5,
    ],
)
def test_wrong_control_messages(net, pair, ancdata):
    with pytest.raises((TypeError, OverflowError)):
        pair[0].sendmsg([b"x"], ancdata)


class Three:
    """A sequence by its manners alone."""

    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return self.items[i]


class Iterable:
    def __iter__(self):
        return iter((*RIGHTS, b""))


class Misleading(tuple):
    def __iter__(self):
        return iter((9, 9, b""))


RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)


@pytest.mark.parametrize("make", [tuple, list, lambda e: Three(*e), Misleading])
def test_a_control_message_is_a_sequence(net, pair, make):
    a, b = pair
    with open(os.devnull) as file:
        assert a.sendmsg([b"x"], [make((*RIGHTS, struct.pack("i", file.fileno())))]) == 1
    [(_, _, packed)] = b.recvmsg(1, net.CMSG_SPACE(4))[1]
    os.close(*struct.unpack("i", packed))


@pytest.mark.parametrize(
    "make",
    [iter, set, dict.fromkeys, lambda e: (each for each in e), lambda e: Iterable(), lambda e: 5],
    ids=["iterator", "set", "dict", "generator", "iterable", "number"],
)
def test_what_can_only_be_iterated_is_no_control_message(net, pair, make):
    with pytest.raises(TypeError, match="must be"):
        pair[0].sendmsg([b"x"], [make((*RIGHTS, b""))])
    assert pair[0].sendmsg([b"y"]) == 1
    assert pair[1].recv(10) == b"y"


def test_a_generator_of_buffers_that_closes_the_socket(net):
    a, b = net.socketpair()
    with a, b:

        def buffers():
            yield b"x"
            a.close()
            yield b"y"

        with pytest.raises(OSError):
            a.sendmsg(buffers())
        assert b.recv(10) == b""


def test_a_list_that_shrinks_while_its_items_are_converted(net, pair):
    a, b = pair
    listed = [bytearray(b"ab") for _ in range(20)]

    class Level:
        def __index__(self):
            listed.clear()
            return net.SOL_SOCKET

    with pytest.raises(OSError):
        a.sendmsg(listed, [(Level(), 12345, b"")])
    rooms = [bytearray(10) for _ in range(20)]

    class Size:
        def __index__(self):
            rooms.clear()
            return 0

    a.sendall(b"abc")
    assert b.recvmsg_into(rooms, Size())[0] in (0, 3)
