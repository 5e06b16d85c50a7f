"""send, recv and their families: every byte, every length, every flag, against `socket`."""

import array
import contextlib
import hashlib
import os
import random
import resource
import select
import socket
import threading

import pytest
from support.programs import in_a_process

# Around the sizes where a receive changes its way: the C stack, the spare buffer, handing it over.
SIZES = [
    0,
    1,
    2,
    63,
    64,
    4095,
    4096,
    4097,
    16383,
    16384,
    16385,
    32767,
    32768,
    32769,
    65536,
    200_000,
]


@pytest.mark.parametrize("asked", [1, 64, 4096, 4097, 65536, 262144, 2_000_000])
@pytest.mark.parametrize("there", [1, 64, 4096, 5000, 40_000, 60_000])
def test_recv_returns_what_is_there_up_to_what_is_asked(net, pair, asked, there):
    a, b = pair
    data = os.urandom(there)
    a.sendall(data)
    first = b.recv(asked)
    assert first == data[: len(first)]
    assert 0 < len(first) <= min(asked, there)
    assert type(first) is bytes
    rest = b""
    while len(first) + len(rest) < there:
        rest += b.recv(65536)
    assert first + rest == data


def test_a_received_object_is_nobody_elses(net, pair):
    """The spare buffer behind large requests must never be seen by two receivers."""
    a, b = pair
    kept = []
    for size in [10, 50_000, 10, 60_000, 40_000, 3]:
        data = os.urandom(size)
        sender = threading.Thread(target=a.sendall, args=(data,))
        sender.start()
        got = b""
        while len(got) < size:
            piece = b.recv(262144)
            kept.append((piece, bytes(bytearray(piece))))
            got += piece
        sender.join()
        assert got == data
    assert all(piece == copy for piece, copy in kept)


@pytest.mark.parametrize("size", SIZES)
def test_sendall_and_recv_into_of_every_size(net, tcp_pair, size):
    client, server = tcp_pair
    data = os.urandom(size)
    sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(net.SHUT_WR)))
    sender.start()
    digest, got, room = hashlib.sha256(), 0, bytearray(7000)
    while n := server.recv_into(room):
        digest.update(room[:n])
        got += n
    sender.join()
    assert got == size
    assert digest.digest() == hashlib.sha256(data).digest()
    assert server.recv(10) == b""


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_large_stream_through_small_buffers(net, timeout):
    """Short writes on the way, with and without a timeout: no byte lost, none twice."""
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        a.settimeout(timeout)
        b.settimeout(timeout)
        data = random.Random(7).randbytes(3_000_000)
        sender = threading.Thread(target=a.sendall, args=(data,))
        sender.start()
        got = bytearray()
        while len(got) < len(data):
            got += b.recv(random.choice([1, 100, 5000, 70_000]))
        sender.join()
        assert got == data


def test_a_blocking_send_of_a_stream_queues_everything(net):
    """Programs rely on it: send() on a blocking stream is short only after a signal or an error."""
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        data = os.urandom(16_000)  # tried with the GIL, and more than the buffer holds
        got = bytearray()

        def drain():
            while piece := b.recv(1000):
                got.extend(piece)

        reader = threading.Thread(target=drain)
        reader.start()
        assert a.send(data) == len(data)
        assert a.sendmsg([data[:5], data[5:9000], data[9000:]]) == len(data)
        a.shutdown(net.SHUT_WR)
        reader.join()
        assert got == data + data


def test_a_blocking_sendall_whose_first_try_takes_a_part(net):
    """The kernel waits for room for the rest of it; then there is no more to be sent."""
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        b.settimeout(1e-9)
        for _ in range(1100):  # after so many waits alone the C backend tries again, GIL held
            with contextlib.suppress(TimeoutError):
                b.recv(1)
        b.settimeout(None)
        data = os.urandom(16_000)
        got = bytearray()

        def drain():
            while piece := b.recv(65536):
                got.extend(piece)

        late = threading.Timer(0.05, drain)
        late.start()
        try:
            a.sendall(data)
        finally:
            a.shutdown(net.SHUT_WR)
            late.join()
        assert len(got) == len(data)
        assert got == data


@pytest.mark.parametrize("size", [5000, 16_000, 16_384, 16_385, 100_000])
@pytest.mark.parametrize("timeout", [None, 30])
def test_sendall_sends_what_it_was_given_and_nothing_else(net, size, timeout):
    """Where the first try takes a part of it: a sendall that steps over that part twice goes on
    behind the end of the buffer, and sends the peer whatever lies there."""
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        a.settimeout(timeout)
        data = os.urandom(size)
        sent, got = bytearray(), bytearray()

        def drain():
            while piece := b.recv(1000):
                got.extend(piece)

        reader = threading.Thread(target=drain)
        reader.start()
        try:
            for _ in range(3):
                a.sendall(data)
                a.sendall(memoryview(data)[1:-1])
                sent += data + data[1:-1] + data[: a.send(data)]
        finally:
            a.shutdown(net.SHUT_WR)
            reader.join()
        assert got == sent


def test_a_send_with_a_timeout_may_be_short(net):
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        a.settimeout(5)
        data = os.urandom(1_000_000)
        n = a.send(data)
        assert 0 < n < len(data)
        a.shutdown(net.SHUT_WR)
        got = b""
        while piece := b.recv(65536):
            got += piece
        assert got == data[:n]


def test_flags_are_obeyed(net, pair):
    a, b = pair
    a.sendall(b"abcdef")
    assert b.recv(3, net.MSG_PEEK) == b"abc"
    assert b.recv(100_000, net.MSG_PEEK) == b"abcdef"
    room = bytearray(4)
    assert b.recv_into(room, 2, net.MSG_PEEK) == 2
    assert room == b"ab\0\0"
    assert b.recvfrom(2, net.MSG_PEEK)[0] == b"ab"
    assert b.recv(6) == b"abcdef"
    for size in (10, 100_000):
        with pytest.raises(BlockingIOError):
            b.recv(size, net.MSG_DONTWAIT)


def test_msg_waitall_waits_for_all(net, pair):
    a, b = pair
    a.sendall(b"ab")
    late = threading.Timer(0.05, a.sendall, [b"cd"])
    late.start()
    assert b.recv(4, net.MSG_WAITALL) == b"abcd"
    late.join()


def test_msg_oob_of_tcp(net, tcp_pair):
    client, server = tcp_pair
    client.send(b"x", net.MSG_OOB)
    client.sendall(b"y")
    select.select([], [], [server], 5)
    assert server.recv(1, net.MSG_OOB) == b"x"
    assert server.recv(1) == b"y"


def test_msg_trunc_of_a_datagram(net, udp_pair):
    a, b = udp_pair
    for receive in (b.recv, lambda n, flags: b.recvfrom(n, flags)[0]):
        a.sendto(b"0123456789", b.getsockname())
        assert receive(4, 0) == b"0123"
    a.sendto(b"0123456789", b.getsockname())
    assert b.recv_into(bytearray(4), 4, net.MSG_TRUNC) == 10


def test_empty_datagrams(net, udp_pair):
    a, b = udp_pair
    b.settimeout(5)
    assert a.sendto(b"", b.getsockname()) == 0
    assert b.recvfrom(10) == (b"", a.getsockname())
    a.connect(b.getsockname())
    a.sendall(b"")
    assert b.recvfrom_into(bytearray(1)) == (0, a.getsockname())


def test_zero_bytes_asked_for(net, pair):
    a, b = pair
    a.sendall(b"x")
    assert b.recv(0) == b""
    assert b.recv_into(bytearray()) == 0
    assert b.recv(1) == b"x"


def test_every_kind_of_buffer_can_be_sent(net, pair):
    a, b = pair
    for data in (b"ab", bytearray(b"ab"), memoryview(b"xabx")[1:3], array.array("b", b"ab")):
        a.sendall(data)
        assert a.send(data) == 2
        assert a.sendmsg([data, data]) == 4
        assert b.recv(100) == b"ab" * 4


def test_keyword_arguments_of_the_into_family(net, pair):
    a, b = pair
    room = bytearray(8)
    a.sendall(b"12345678")
    assert b.recv_into(buffer=room, nbytes=2, flags=0) == 2
    assert b.recvfrom_into(buffer=room, nbytes=3, flags=0)[0] == 3
    assert b.recv_into(memoryview(room)[4:]) == 3
    assert room == b"345\x00678\x00"


def test_recvfrom_of_a_stream_has_no_address(net, pair, tcp_pair):
    for a, b in (pair, tcp_pair):
        a.sendall(b"x")
        assert b.recvfrom(1) == (b"x", None)


def test_peers_are_told_apart(net, udp_pair):
    """The memory of peers' addresses must not take one for another."""
    _, sink = udp_pair
    sink.settimeout(5)
    for _ in range(3):
        sockets = [net.socket(net.AF_INET, net.SOCK_DGRAM) for _ in range(300)]
        try:
            for i, sock in enumerate(sockets):
                sock.bind((f"127.0.{i % 7}.{1 + i % 200}", 0))
                sock.sendto(b"x", sink.getsockname())
                assert sink.recvfrom(1) == (b"x", sock.getsockname())
        finally:
            for sock in sockets:
                sock.close()


def test_gil_hold_is_a_setting_and_changes_no_result(pysock, pair):
    a, b = pair
    default = pysock.get_gil_hold()
    assert default == 16384
    try:
        for hold in (0, 1, 10**9):
            pysock.set_gil_hold(hold)
            assert pysock.get_gil_hold() == hold
            a.settimeout(5)
            for size in (1, 100, 50_000):
                a.sendall(b"z" * size)
                assert b.recv(100_000) == b"z" * size
            b.setblocking(False)
            with pytest.raises(BlockingIOError):
                b.recv(10)
            b.settimeout(0.01)
            with pytest.raises(TimeoutError):
                b.recv(10)
            b.settimeout(None)
    finally:
        pysock.set_gil_hold(default)
    with pytest.raises(ValueError):
        pysock.set_gil_hold(-1)
    with pytest.raises(TypeError):
        pysock.set_gil_hold("1")


@pytest.mark.parametrize("asked", [100, 65536, 300_000])
@pytest.mark.parametrize("timeout", [None, 20])
@pytest.mark.parametrize("inherited", [False, True])
def test_a_receive_waits_for_the_low_water_mark(net, listener, timeout, inherited, asked):
    """As long as SO_RCVLOWAT says, and no longer: a try that takes what is there would not."""
    if inherited:
        listener.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
    with net.create_connection(listener.getsockname()) as a, listener.accept()[0] as b:
        if not inherited:
            b.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
        b.settimeout(timeout)
        for receive in (
            lambda: b.recv(asked),
            lambda: b.recvfrom(asked)[0],
            lambda: b.recvmsg(asked)[0],
            lambda: bytes((room := bytearray(asked))[: b.recv_into(room)]),
        ):
            a.sendall(b"abc")
            later = threading.Timer(0.1, a.sendall, (b"defghijklm",))
            later.start()
            assert receive() == b"abcdefghijklm"
            later.join()
        b.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 1)
        a.sendall(b"abc")
        assert b.recv(asked) == b"abc"


@pytest.mark.parametrize("taken_over", [False, True])
def test_a_duplicate_waits_for_the_low_water_mark(net, tcp_pair, taken_over):
    """The mark is the kernel's socket's, whichever object and number it is asked by."""
    a, b = tcp_pair
    b.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
    with b.dup() if not taken_over else net.socket(fileno=os.dup(b.fileno())) as twin:
        for _ in range(2):  # whatever was learned of the number before
            a.sendall(b"0123456789")
            assert twin.recv(100) == b"0123456789"
        a.sendall(b"abc")
        later = threading.Timer(0.1, a.sendall, (b"defghijklm",))
        later.start()
        assert twin.recv(100) == b"abcdefghijklm"
        later.join()


MARKED_BY_ANOTHER = """
import threading
import {module} as net
with net.create_server(("127.0.0.1", 0)) as listener:
    a, (b, _) = net.create_connection(listener.getsockname()), listener.accept()
b.settimeout(20)
def received():
    a.sendall(b"abc")
    later = threading.Timer(0.2, a.sendall, (b"defghijklm",))
    later.start()
    data = b.recv(100)
    later.join()
    return data
with a, b:
    with b.dup() as twin:
        twin.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
    print(received())
    if {unseen}:
        print(b.recv(100))
    b.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
    print(received())
"""


def test_a_low_water_mark_that_another_object_sets(net):
    """C may not see it, and does not where it tries with the GIL held: that takes what is there.

    In a process of its own, where nothing has been learned of the GIL.
    """
    unseen = getattr(net, "BACKEND", None) == "c"
    module = "socket" if net is socket else "pysock"
    program = MARKED_BY_ANOTHER.format(module=module, unseen=unseen)
    received = in_a_process(program, "" if unseen else "1").splitlines()
    both = "b'abcdefghijklm'"
    assert received == (["b'abc'", "b'defghijklm'", both] if unseen else [both, both])


def test_the_low_water_mark_of_a_number_far_below(net, tcp_pair):
    """A new socket with a number 1024 higher changes nothing."""
    a, b = tcp_pair
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    held = []
    try:
        b.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 10)
        while not held or held[-1] < b.fileno() + 1024:
            held.append(os.dup(b.fileno()))
        os.close(held.pop())
        with net.socket() as another:
            assert another.fileno() == b.fileno() + 1024
            a.sendall(b"abc")
            later = threading.Timer(0.1, a.sendall, (b"defghijklm",))
            later.start()
            assert b.recv(100) == b"abcdefghijklm"
            later.join()
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
