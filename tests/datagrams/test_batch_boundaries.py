"""Every boundary, error and signal for each of the batch calls: as it would be one by one."""

import os
import signal
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.datagrams import (
    SO_NO_CHECK,
    datagrams,
    drain,
    drain_batches,
    fill,
    is_readable,
    udp,
    unix_pair,
)

FAMILIES = [socket.AF_INET, socket.AF_INET6]
SEGMENT = 500


@pytest.fixture(params=["held", "released"])
def gil(request, pysock):
    """Each call tries with the GIL, or never: two ways through the one loop."""
    before = pysock.get_gil_hold()
    pysock.set_gil_hold(before if request.param == "held" else 0)
    yield
    pysock.set_gil_hold(before)


def exchange(batch, sock):
    """Receive and send back all that is there: what came."""
    came = []
    while is_readable(sock):
        batch.recv_into(sock)
        came += map(bytes, batch)
        assert batch.send(sock) == len(batch)
    return came


@pytest.mark.parametrize("gro", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 1000])
def test_runs_there_and_back(pysock, gil, family, count, gro):
    with udp(pysock, family, gro=gro) as (a, b):
        sent = datagrams([SEGMENT] * (count - 1) + [SEGMENT // 3])
        assert a.sendmmsg(sent, b.getsockname()) == count
        assert exchange(pysock.DatagramBatch(64, SEGMENT), b) == sent
        assert drain(a) == [(data, b.getsockname()) for data in sent]


@pytest.mark.parametrize("gro", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("slot_size", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 65535])
def test_sizes_there_and_back(pysock, gil, family, slot_size, gro):
    most = 65507 if family == socket.AF_INET else 65527
    sizes = [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, most, 0, 0, SEGMENT, SEGMENT, 1, 1, 0, most]
    with udp(pysock, family, gro=gro) as (a, b):
        sent = datagrams(sizes)
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        expected = [data[:slot_size] for data in sent]
        assert exchange(pysock.DatagramBatch(5, slot_size), b) == expected
        assert drain(a) == [(data, b.getsockname()) for data in expected]
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        assert [data for data, _ in drain_batches(b, 1000, slot_size)] == expected
        for too_long in (most + 1, most + 100):
            with pytest.raises(OSError):
                a.sendmmsg([bytes(too_long)], b.getsockname())


@pytest.mark.parametrize("count", [1023, 1024, 1025, 3000])
def test_more_pieces_than_one_call_takes(pysock, count):
    """UIO_MAXIOV is 1024: of memory that does not adjoin, each datagram is one."""
    with udp(pysock) as (a, b):
        sent = [b"%4d" % i for i in range(count)]
        there = a.sendmmsg(sent, b.getsockname())
        assert there == count
        assert [data for data, _ in drain(b)] == sent


def test_more_peers_than_are_remembered(pysock):
    """300 addresses, each in two tuples that are equal and not the same."""
    with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as b, udp(pysock) as (a, _):
        b.bind(("0.0.0.0", 0))
        b.setsockopt(pysock.IPPROTO_IP, pysock.IP_PKTINFO, 1)
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVBUF, 1 << 22)
        port = b.getsockname()[1]
        batch = pysock.DatagramBatch(64, 100)
        for begin in (0, 100, 200):
            hosts = [f"127.2.0.{i % 250 + 1}" for i in range(begin, begin + 100)]
            pairs = [(host.encode(), (host, port)) for host in hosts]
            pairs += [(host.encode(), (host, port)) for host in reversed(hosts)]
            for at in range(0, 200, 50):
                assert a.sendmmsg(pairs[at : at + 50]) == 50
                came = []
                while len(came) < 50:
                    batch.recv_into(b)
                    came += [(bytes(one), one.destination) for one in batch]
                assert came == [(data, to[0]) for data, to in pairs[at : at + 50]]


@pytest.mark.parametrize("gro", [False, True])
def test_each_back_to_its_own_sender(pysock, gro):
    with udp(pysock, gro=gro) as (a, b), udp(pysock) as (c, d):
        senders = [a, c, d]
        batch = pysock.DatagramBatch(64, 100)
        for turn in range(100):
            for i in range(turn % 4):
                senders[(turn + i) % 3].sendmmsg([b"%d" % turn] * (turn % 7), b.getsockname())
        expected = {sender: [] for sender in senders}
        for turn in range(100):
            for i in range(turn % 4):
                expected[senders[(turn + i) % 3]] += [b"%d" % turn] * (turn % 7)
        exchange(batch, b)
        for sender in senders:
            assert drain(sender) == [(data, b.getsockname()) for data in expected[sender]]


@pytest.mark.parametrize("options", [[], ["SO_TIMESTAMPNS"], ["SO_TIMESTAMPNS", "SO_RXQ_OVFL"]])
def test_control_data_beside(pysock, options):
    """With what recvmmsg has no use for, too, each datagram is what it was."""
    with udp(pysock) as (a, b):
        for option in options:
            b.setsockopt(pysock.SOL_SOCKET, getattr(pysock, option), 1)
        for _ in range(3):
            sent = datagrams([1400, 0, 1, 699, 700, 1399, 1401, 5000] * 20)
            assert a.sendmmsg(sent, b.getsockname()) == len(sent)
            assert drain_batches(b, bufsize=1400) == [(x[:1400], a.getsockname()) for x in sent]


# Errors, full buffers, signals: what sendmmsg is tested for, with the other two


def sends(pysock, a, b):
    """Three ways to send five datagrams to the peer of *a*: what each returns for all of them."""
    batch = pysock.DatagramBatch(8, 10)
    for _ in range(5):
        b.send(b"x")
    while len(batch) < 5:
        batch.recv_into(a)
    return {
        "sendmmsg": (lambda: a.sendmmsg([b"x"] * 5), 5),
        "send_segmented": (lambda: a.send_segmented(b"xxxxx", 1), 5),
        "send": (lambda: batch.send(a, address=a.getpeername() or None), 5),
    }


WAYS = ["sendmmsg", "send_segmented", "send"]


@pytest.mark.parametrize("way", WAYS)
def test_a_receiver_that_goes(pysock, way):
    with udp(pysock, connected=True) as (a, b):
        b.connect(a.getsockname())
        call, count = sends(pysock, a, b)[way]
        assert call() == count
        b.close()
        refused = 0
        for _ in range(10):
            try:
                assert 0 < call() <= count
            except ConnectionRefusedError:
                refused += 1
        assert refused >= 4


@pytest.mark.parametrize("way", WAYS)
def test_a_full_buffer(pysock, tmp_path, way):
    a, b = unix_pair(pysock, tmp_path)
    with a, b:
        call, count = sends(pysock, a, b)[way]
        fill(a)
        with pytest.raises(BlockingIOError):
            call()
        a.settimeout(0.05)
        with pytest.raises(TimeoutError, match="timed out"):
            call()
        if pysock.BACKEND == "c":  # poll() does not think yet that there is room
            assert b.recv(9) == b.recv(9) == b"fill"
            assert call() == 2  # and then the time was over
        a.settimeout(None)
        reader = threading.Timer(0.05, drain, [b])
        reader.start()
        assert call() == count
        reader.join()


@pytest.mark.parametrize("timeout", [None, 10])
@pytest.mark.parametrize("way", WAYS)
def test_signals(pysock, tmp_path, way, timeout):
    a, b = unix_pair(pysock, tmp_path)
    with a, b:
        call, count = sends(pysock, a, b)[way]
        seen = []

        def handler(*_):
            seen.append(1)
            if len(seen) == 3:
                signal.setitimer(signal.ITIMER_REAL, 0)
                drain(b)

        def raising(*_):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise ZeroDivisionError

        before = signal.getsignal(signal.SIGALRM)
        try:
            fill(a)
            a.settimeout(timeout)
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            assert call() == count
            assert len(seen) == 3
            fill(a)
            a.settimeout(timeout)
            signal.signal(signal.SIGALRM, raising)
            with pytest.raises(ZeroDivisionError):
                signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
                call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("timeout", [None, 10])
def test_signals_while_a_batch_receives(pysock, timeout):
    with udp(pysock, timeout=timeout) as (a, b):
        batch, seen = pysock.DatagramBatch(4, 10), []

        def handler(*_):
            seen.append(1)
            with pytest.raises(RuntimeError):
                batch.recv_into(b)  # in use: by the very call that waits
            if len(seen) == 3:
                signal.setitimer(signal.ITIMER_REAL, 0)
                a.sendto(b"x", b.getsockname())

        def raising(*_):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise ZeroDivisionError

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            assert batch.recv_into(b) == 1
            signal.signal(signal.SIGALRM, raising)
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            with pytest.raises(ZeroDivisionError):
                batch.recv_into(b)
            assert len(batch) == 0
            a.sendto(b"y", b.getsockname())
            assert batch.recv_into(b) == 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_gso_refused_to_a_batch(pysock):
    """What came joined, and cannot go so, goes one by one, cut or not."""
    with udp(pysock, gro=True) as (a, b), udp(pysock) as (c, d):
        c.setsockopt(pysock.SOL_SOCKET, SO_NO_CHECK, 1)
        data = os.urandom(64_000)
        for slot_size in (1000, 300):
            assert a.send_segmented(data, 1000, b.getsockname()) == len(data)
            batch = pysock.DatagramBatch(64, slot_size)
            came = []
            while is_readable(b):
                batch.recv_into(b)
                came += map(bytes, batch)
                assert batch.send(c, address=d.getsockname()) == len(batch)
            assert came == [data[at : at + slot_size] for at in range(0, 64_000, 1000)]
            assert [data for data, _ in drain(d)] == came


def test_threads_send_on_one_socket(pysock, gil):
    with udp(pysock) as (a, b):
        count = 40

        def send(number):
            for i in range(count):
                assert a.sendmmsg([b"%d %d" % (number, i)] * 8, b.getsockname()) == 8

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        came = []
        while len(came) < 4 * count * 8:
            came += b.recvmmsg(50, 100)
        for thread in threads:
            thread.join()
        for number in range(4):
            mine = [data for data, _ in came if data.startswith(b"%d " % number)]
            assert mine == [b"%d %d" % (number, i) for i in range(count) for _ in range(8)]


# Against one by one


def receive(sock, bufsize, most):
    """All that is there, by recvfrom where *most* is 0."""
    came = []
    while is_readable(sock):
        came += sock.recvmmsg(most, bufsize) if most else [sock.recvfrom(bufsize)]
    return came


@settings(max_examples=80, deadline=None)
@given(
    family=st.sampled_from(FAMILIES),
    runs=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3000), st.integers(1, 40)), max_size=6
    ),
    bufsize=st.sampled_from([0, 1, 511, 512, 1400, 3000, 4096, 4097, 65535]),
    most=st.integers(1, 100),
    gro=st.booleans(),
)
def test_received_as_one_by_one(pysock, family, runs, bufsize, most, gro):
    """From several peers, of any size, with slots that are bytes or are not."""
    with udp(pysock, family) as (a, b), udp(pysock, family, gro=gro) as (c, d):
        came = []
        for receiver, many in ((b, 0), (d, most)):
            for peer, size, count in runs:
                data = datagrams([size] * count)
                assert [a, b, c][peer].sendmmsg(data, receiver.getsockname()) == count
            came.append(receive(receiver, bufsize, many))
        assert came[1] == came[0]


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1500), st.integers(1, 70)), max_size=5
    ),
    slots=st.integers(1, 70),
    slot_size=st.sampled_from([1, 100, 1400, 65535]),
    part=st.floats(0, 1),
    gro=st.booleans(),
)
def test_sent_back_as_one_by_one(pysock, runs, slots, slot_size, part, gro):
    """Some of each batch back to where it came from: what sendto would have sent."""
    with udp(pysock, gro=gro) as (a, b), udp(pysock) as (c, d):
        for peer, size, count in runs:
            data = datagrams([size] * count)
            assert [a, c, d][peer].sendmmsg(data, b.getsockname()) == count
        batch = pysock.DatagramBatch(slots, slot_size)
        expected = {peer.getsockname(): [] for peer in (a, c, d)}
        while is_readable(b):
            batch.recv_into(b)
            some = int(part * len(batch))
            for one in list(batch)[:some]:
                expected[one.address].append(bytes(one))
            assert batch.send(b, some) == some
        for peer in (a, c, d):
            assert [data for data, _ in drain(peer)] == expected[peer.getsockname()]
