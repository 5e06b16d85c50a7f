"""recvmmsg, set_gro: what recvfrom would have brought, whatever the kernel joined."""

import io
import os
import signal
import socket
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.datagrams import drain_batches, udp


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("gro", [False, True])
@pytest.mark.parametrize("bufsize", [1, 99, 100, 101, 65535, 1 << 20])
def test_datagrams_cut_at_the_size_asked_for(pysock, family, gro, bufsize):
    with udp(pysock, family, gro=gro) as (a, b):
        sent = [bytes([i]) * 100 for i in range(150)] + [b"", b"x", bytes(5000)]
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        came = drain_batches(b, bufsize=bufsize)
        assert came == [(data[:bufsize], a.getsockname()) for data in sent]


def from_host(net, sock, host, data, address):
    """Send from any host of the loopback network: no socket for each is needed."""
    source = struct.pack("i4s4s", 0, socket.inet_aton(host), bytes(4))
    sock.sendmsg([data], [(net.IPPROTO_IP, net.IP_PKTINFO, source)], 0, address)


@pytest.mark.parametrize("hosts", [4, 64, 256, 2000])
def test_more_peers_than_are_remembered(pysock, hosts):
    """However many there are, and in whatever order they come: each datagram has its sender's."""
    senders = [pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) for _ in range(2)]
    with udp(pysock) as (_, b), senders[0], senders[1]:
        for sender in senders:
            sender.bind(("0.0.0.0", 0))
        for turn in range(3):
            order = [(i * 7919 + turn) % hosts for i in range(hosts)]
            for at in range(0, hosts, 50):
                expected = []
                for i in order[at : at + 50]:
                    host = f"127.1.{i // 250}.{i % 250 + 1}"
                    sender = senders[(i + turn) % 2]
                    from_host(pysock, sender, host, b"%d" % i, b.getsockname())
                    expected.append((b"%d" % i, (host, sender.getsockname()[1])))
                assert drain_batches(b) == expected


def test_a_size_of_nothing(pysock):
    with udp(pysock) as (a, b):
        a.sendmmsg([b"x", b"y"], b.getsockname())
        assert b.recvmmsg(5, 0) == [(b"", a.getsockname())] * 2


@pytest.mark.parametrize("most", [1, 2, 63, 64, 65, 1000])
def test_as_many_as_asked_for(pysock, most):
    with udp(pysock) as (a, b):
        sent = [b"%d" % i for i in range(300)]
        assert a.sendmmsg(sent, b.getsockname()) == 300
        assert [data for data, _ in b.recvmmsg(most, 100)] == sent[:most]
        assert len(drain_batches(b)) == 300 - min(most, 300)


def dropped(_):
    return None


def as_key(data):
    return {data: 1}


def as_file(data):
    return io.BytesIO(data)


def as_slice(data):
    return memoryview(data)[100:]


@pytest.mark.parametrize("hold", [dropped, as_key, as_file, as_slice, lambda data: [data]])
@pytest.mark.parametrize("sizes", [[1400], [700, 1400, 1399], [1400, 0, 2000]], ids=str)
def test_what_was_handed_over_does_not_change(pysock, sizes, hold):
    """A slot is used again when nobody has its bytes; by then their hash is another's, too."""
    with udp(pysock) as (a, b):
        held = []
        for turn in range(12):
            sent = [
                bytes([turn, i]) * (size // 2) + b"!" * (size % 2)
                for i in range(70)
                for size in sizes
            ]
            assert a.sendmmsg(sent, b.getsockname()) == len(sent)
            came = drain_batches(b, bufsize=1400)
            assert [data for data, _ in came] == [data[:1400] for data in sent]
            for i, (data, _) in enumerate(came):
                assert hash(data) == hash(bytes(bytearray(data)))
                if i % 3 == 0:
                    held.append((hold(data), hold(bytes(bytearray(data)))))
            del came, data
            for kept, copy in held:
                if isinstance(kept, io.BytesIO):
                    kept, copy = kept.getvalue(), copy.getvalue()
                assert kept == copy


def test_written_into_a_file_of_its_own(pysock):
    """BytesIO writes into the bytes it was made of if nobody else has them: here somebody has."""
    with udp(pysock) as (a, b):
        for turn in range(4):
            a.sendto(bytes([turn]) * 1000, b.getsockname())
            [(data, _)] = b.recvmmsg(1, 1000)
            file = io.BytesIO(data)
            del data
            file.write(b"written")
            a.sendto(b"y" * 1000, b.getsockname())
            assert b.recvmmsg(1, 1000) == [(b"y" * 1000, a.getsockname())]
            assert file.getvalue() == b"written" + bytes([turn]) * 993


def test_joined_datagrams_are_never_cut_by_the_joining(pysock):
    with udp(pysock, gro=True) as (a, b):
        data = os.urandom(64 * 1000)
        assert a.send_segmented(data, 1000, b.getsockname()) == len(data)
        came = drain_batches(b, most=1, bufsize=1000)
        assert b"".join(piece for piece, _ in came) == data
        assert {len(piece) for piece, _ in came} == {1000}
        assert len(b.recvmmsg.__doc__) > 100


def test_joined_by_somebody_else(pysock):
    """The option set by hand, or by who passed the descriptor on: the kernel is asked each time."""
    with udp(pysock) as (a, b):
        b.setsockopt(pysock.SOL_UDP, pysock.UDP_GRO, 1)
        a.sendmsg(
            [bytes(3000)], [(pysock.SOL_UDP, pysock.UDP_SEGMENT, b"\xe8\x03")], 0, b.getsockname()
        )
        assert [len(data) for data, _ in b.recvmmsg(10, 1000)] == [1000] * 3
        a.sendmsg(
            [bytes(3000)], [(pysock.SOL_UDP, pysock.UDP_SEGMENT, b"\xe8\x03")], 0, b.getsockname()
        )
        batch = pysock.DatagramBatch(1, 1000)
        assert batch.recv_into(b) == 3
        assert [datagram.segment_size for datagram in batch] == [1000] * 3


def test_the_plain_calls_stay_the_kernels(pysock):
    with udp(pysock, gro=True) as (a, b):
        a.send_segmented(bytes(3000), 1000, b.getsockname())
        first = b.recvmsg(65535, 100)
        if pysock.BACKEND == "c":
            assert len(first[0]) == 3000
            assert pysock.parse_ancillary(first[1]).segment_size == 1000
        b.set_gro(False)
        drain_batches(b)
        a.send_segmented(bytes(3000), 1000, b.getsockname())
        assert b.recv(65535) == bytes(1000)


def test_set_gro_where_there_is_none(pysock):
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b, pysock.socket() as tcp:
        for sock in (a, tcp):
            with pytest.raises(OSError):
                sock.set_gro(True)
    with pytest.raises(OSError):
        tcp.set_gro()


def test_set_gro_asks_the_kernel(pysock):
    """Not on the fallback: it takes one datagram at a time, as the kernel has them without it."""
    with udp(pysock) as (_, b):
        for on in (True, False):
            b.set_gro(on)
            asked = b.getsockopt(pysock.SOL_UDP, pysock.UDP_GRO)
            assert asked == (on and pysock.BACKEND == "c")


def test_every_control_message_at_once(pysock):
    """The joined size comes last in the control data: there is room for it behind all others."""
    with udp(pysock, socket.AF_INET6, gro=True) as (a, b):
        for option in (pysock.SO_TIMESTAMPNS, pysock.SO_RXQ_OVFL, 75, 82):  # RCVMARK, RCVPRIORITY
            try:
                b.setsockopt(pysock.SOL_SOCKET, option, 1)
            except OSError:
                pass
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_TIMESTAMPING, 1 << 3 | 1 << 4)
        for option in (2, 49, 51, 53, 54, 56, 58, 61, 66, 71, 74):  # all IPV6_RECV...
            try:
                b.setsockopt(pysock.IPPROTO_IPV6, option, 1)
            except OSError:
                pass
        a.send_segmented(bytes(64000), 1000, b.getsockname())
        assert [len(data) for data, _ in drain_batches(b, bufsize=2000)] == [1000] * 64
        a.send_segmented(bytes(64000), 1000, b.getsockname())
        batch = pysock.DatagramBatch(64, 2000)
        assert batch.recv_into(b) == 64
        assert not any(one.control_truncated for one in batch)
        assert {one.destination for one in batch} == {"::1"}


def test_peek(pysock):
    with udp(pysock) as (a, b):
        a.sendmmsg([b"x", b"yy"], b.getsockname())
        assert b.recvmmsg(10, 10, pysock.MSG_PEEK) == [(b"x", a.getsockname())]
        assert b.recvmmsg(10, 1, pysock.MSG_TRUNC) == [
            (b"x", a.getsockname()),
            (b"y", a.getsockname()),
        ]


@pytest.mark.parametrize("bufsize", [10, 1 << 20])
def test_peek_is_one_look(pysock, bufsize):
    """Also where there is room for one message at a time, and the next look would show it again."""
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        a.sendmmsg([b"x", b"y"])
        assert b.recvmmsg(10, bufsize, pysock.MSG_PEEK) == [(b"x", None)]
        assert b.recvmmsg(10, bufsize) == [(b"x", None), (b"y", None)]


def test_waiting(pysock):
    with udp(pysock, timeout=0.05) as (a, b):
        begin = time.monotonic()
        with pytest.raises(TimeoutError, match="timed out"):
            b.recvmmsg(10, 100)
        assert 0.04 < time.monotonic() - begin < 2
        b.setblocking(False)
        with pytest.raises(BlockingIOError):
            b.recvmmsg(10, 100)
        for timeout in (None, 5):
            b.settimeout(timeout)
            timer = threading.Timer(0.05, lambda: a.sendmmsg([b"x"] * 3, b.getsockname()))
            timer.start()
            begin = time.monotonic()
            came = b.recvmmsg(10, 100)
            while len(came) < 3:
                came += b.recvmmsg(10, 100)
            assert 0.03 < time.monotonic() - begin < 2
            assert came == [(b"x", a.getsockname())] * 3
            timer.join()


@pytest.mark.parametrize("timeout", [None, 10])
def test_signals(pysock, timeout):
    with udp(pysock, timeout=timeout) as (a, b):
        seen = []

        def handler(*_):
            seen.append(1)
            if len(seen) < 3:
                signal.setitimer(signal.ITIMER_REAL, 0.02)
            else:
                a.sendto(b"x", b.getsockname())

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            assert b.recvmmsg(10, 100) == [(b"x", a.getsockname())]
            signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(ZeroDivisionError):
                b.recvmmsg(10, 100)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_a_refusal_is_received(pysock):
    with udp(pysock) as (a, b):
        a.connect(b.getsockname())
        b.close()
        a.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            a.recvmmsg(10, 100)


@pytest.mark.parametrize("most, bufsize", [(0, 1), (-1, 1), (1, -1)])
def test_numbers_out_of_range(pysock, most, bufsize):
    with udp(pysock) as (_, b):
        with pytest.raises(ValueError):
            b.recvmmsg(most, bufsize)


def test_a_closed_socket(pysock):
    sock = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
    sock.close()
    with pytest.raises(OSError):
        sock.recvmmsg(1, 1)


def test_descriptors_that_nobody_asked_for(pysock):
    """SCM_RIGHTS in a batch: closed, by the kernel or by us; the fixture counts."""
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        for _ in range(3):
            pysock.send_fds(a, [b"x"], [0, 1, 2])
        assert [data for data, _ in b.recvmmsg(2, 10)] == [b"x", b"x"]
        assert pysock.DatagramBatch(4, 10).recv_into(b) == 1


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
def test_the_end_of_a_connection_comes_once(pysock, kind):
    a, b = pysock.socketpair(pysock.AF_UNIX, kind)
    with a, b:
        a.send(b"x")
        a.shutdown(pysock.SHUT_WR)
        assert b.recvmmsg(5, 10) == [(b"x", None), (b"", None)]
        assert b.recvmmsg(5, 10) == [(b"", None)]


def test_another_family(pysock):
    with pysock.socket(pysock.AF_NETLINK, pysock.SOCK_DGRAM) as sock:
        sock.bind((0, 0))
        address = sock.getsockname()
        assert sock.sendmmsg([], address) == 0
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recvmmsg(3, 100)
        with pytest.raises(OSError):
            pysock.DatagramBatch(1, 1).recv_into(sock)


def test_two_threads_on_one_socket(pysock):
    with udp(pysock) as (a, b):
        came, threads = [], []

        def receive():
            try:
                while True:
                    came.extend(b.recvmmsg(20, 100))
            except TimeoutError:
                pass

        b.settimeout(0.3)
        threads = [threading.Thread(target=receive) for _ in range(4)]
        for thread in threads:
            thread.start()
        sent = [b"%d" % i for i in range(2000)]
        for at in range(0, 2000, 50):
            assert a.sendmmsg(sent[at : at + 50], b.getsockname()) == 50
        for thread in threads:
            thread.join()
        assert sorted(data for data, _ in came) == sorted(sent)


@settings(max_examples=100, deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 70)), min_size=1, max_size=5),
    most=st.integers(1, 100),
    bufsize=st.sampled_from([1, 700, 1400, 3000, 65535]),
    gro=st.booleans(),
)
def test_as_one_by_one(pysock, runs, most, bufsize, gro):
    """Sent one by one or joined, received one by one or joined: the same datagrams."""
    with udp(pysock, gro=gro) as (a, b):
        sent = [bytes([i % 256]) * size for size, count in runs for i in range(count)]
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        assert [data for data, _ in drain_batches(b, most, bufsize)] == [x[:bufsize] for x in sent]


def test_capabilities_are_numbers(pysock):
    numbers = pysock.capabilities()
    assert set(numbers) == {"gso_segments", "gro_segments", "batch", "zerocopy"}
    assert all(type(number) is int for number in numbers.values())
    if pysock.BACKEND == "stdlib":
        assert numbers == {"gso_segments": 1, "gro_segments": 1, "batch": 1, "zerocopy": 0}
    with pysock.socket() as tcp:
        assert pysock.capabilities(tcp)["gso_segments"] == 1
    with pytest.raises(TypeError):
        pysock.capabilities(5) if pysock.BACKEND == "c" else pysock.capabilities(1, 2)
