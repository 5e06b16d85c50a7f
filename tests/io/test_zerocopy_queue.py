"""Waiting for zero-copy sends, and the error queue that they share with others."""

import contextlib
import os
import select
import socket
import struct
import threading
import time

import pytest
from support.datagrams import udp
from support.zerocopy import (
    IP_RECVERR,
    PIECE,
    SO_TIMESTAMPING,
    TX_TIMESTAMPS,
    Reader,
    alarm,
    errors_of,
    fill,
    noise,
    origins,
    pieces,
    read_exactly,
    tcp,
)

ICMP, TIMESTAMP, ZEROCOPY = 2, 4, 5  # SO_EE_ORIGIN_*, linux/errqueue.h


@pytest.fixture
def stuck(pysock):
    """A connection that takes nothing more, with sends pending; what went, and how many sends."""
    with tcp(pysock, sndbuf=1 << 19, rcvbuf=1 << 16) as (a, b):
        went, sends = fill(a, pieces())
        yield a, b, went, sends
        b.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while b.recv(1 << 20):
                pass
        a.reap_zerocopy(30)


# How long


def test_reap_waits_for_all(zero, stuck):
    a, b, went, sends = stuck
    timer = threading.Timer(0.1, read_exactly, [b, len(went)])
    timer.start()
    assert a.reap_zerocopy()[0] == sends * zero
    assert a.zerocopy_pending() == 0
    timer.join()


@pytest.mark.parametrize("how", ["socket", "timeout", "deadline"])
def test_reap_times_out_and_loses_no_count(zero, stuck, how):
    a, b, went, sends = stuck
    if not zero:
        assert a.reap_zerocopy(0.05) == (0, 0)
        return
    begin = time.monotonic()
    arguments = {"socket": {}, "timeout": {"timeout": 0.05}, "deadline": {"deadline": begin + 0.05}}
    a.settimeout(0.05 if how == "socket" else 30)
    with pytest.raises(TimeoutError, match="timed out"):
        a.reap_zerocopy(**arguments[how])
    assert 0.05 <= time.monotonic() - begin < 5
    pending = a.zerocopy_pending()
    assert 0 < pending <= sends
    read_exactly(b, len(went))
    assert a.reap_zerocopy(30)[0] == sends


def test_reap_of_a_non_blocking_socket(zero, stuck):
    """What is done by now; BlockingIOError where that is nothing, and there is more to come."""
    a, b, went, sends = stuck
    a.setblocking(False)
    completed = 0
    with contextlib.suppress(BlockingIOError):
        completed += a.reap_zerocopy()[0]
    if zero:
        with pytest.raises(BlockingIOError):
            a.reap_zerocopy()
    read_exactly(b, len(went))
    while a.zerocopy_pending():
        completed += a.reap_zerocopy()[0]
    completed += a.reap_zerocopy()[0]
    assert completed == sends * zero
    assert a.reap_zerocopy() == (0, 0)


def test_reap_without_time_takes_what_is_there(pysock, zero):
    with tcp(pysock) as (a, b):
        a.send_zerocopy(noise(5000))
        read_exactly(b, 5000)
        poll = select.poll()
        poll.register(a, 0)
        poll.poll(200)
        assert a.reap_zerocopy(timeout=0)[0] == zero
        a.send_zerocopy(noise(5000))
        read_exactly(b, 5000)
        poll.poll(200)
        assert a.reap_zerocopy(deadline=time.monotonic() - 5)[0] == zero


def test_reap_of_nothing_returns_at_once(pysock):
    with tcp(pysock) as (a, _):
        for timeout in (None, 0, 1e-9, 3600):
            assert a.reap_zerocopy(timeout) == (0, 0)
            assert a.reap_zerocopy(timeout).completed == 0
            assert a.reap_zerocopy(timeout).copied == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"timeout": -1}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"timeout": "1"}, TypeError),
        ({"deadline": "1"}, TypeError),
        ({"timeout": 1, "deadline": 1}, TypeError),
    ],
)
def test_reap_refuses_what_is_no_time(pysock, arguments, error):
    with tcp(pysock) as (a, _), pytest.raises(error):
        a.reap_zerocopy(**arguments)


def test_a_signal_while_reaping(zero, stuck):
    a, *_ = stuck
    if not zero:
        return
    seen = []

    def handler():
        seen.append(1)
        if len(seen) == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), alarm(0.02, handler, 0.02):
        a.reap_zerocopy(30)
    assert a.zerocopy_pending() > 0


def test_the_kernels_timeout_of_a_blocking_socket(stuck):
    a, *_ = stuck
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 50_000))
    with pytest.raises(BlockingIOError):
        a.send_zerocopy(bytes(PIECE))


def test_an_o_nonblock_set_behind_the_socket(stuck):
    a, *_ = stuck
    os.set_blocking(a.fileno(), False)
    with pytest.raises(BlockingIOError):
        a.send_zerocopy(bytes(PIECE))


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("size", [1000, PIECE])
def test_a_handler_that_raises_breaks_a_send_off(stuck, timeout, size):
    a, *_ = stuck
    a.settimeout(timeout)
    with pytest.raises(ZeroDivisionError), alarm(0.05, lambda: 1 / 0):
        a.send_zerocopy(bytes(size))


def test_no_byte_is_lost_or_doubled_under_signals(pysock):
    with tcp(pysock, sndbuf=1 << 16) as (a, b):
        reader = Reader(b)
        ran = []
        data = memoryview(noise(5_000_000))
        with alarm(0.001, lambda: ran.append(1), 0.001):
            at = 0
            while at < len(data):
                at += a.send_zerocopy(data[at:])
            a.reap_zerocopy()
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == data
        assert ran


# While notices wait, poll() reports an error


@pytest.fixture
def noticed(pysock, zero):
    """A connection with a notice that nobody has taken."""
    with tcp(pysock) as (a, b):
        a.send_zerocopy(noise(5000))
        read_exactly(b, 5000)
        poll = select.poll()
        poll.register(a, 0)
        assert poll.poll(5000 * zero) == [(a.fileno(), select.POLLERR)] * zero
        yield a, b
        assert a.zerocopy_pending() == 0
        assert poll.poll(0) == []


def test_receiving_beside_a_notice(noticed):
    a, b = noticed
    a.settimeout(0.3)
    begin = time.monotonic(), time.thread_time()
    with pytest.raises(TimeoutError):
        a.recv(10)
    assert 0.3 <= time.monotonic() - begin[0] < 5
    assert time.thread_time() - begin[1] < 0.15
    for timeout in (None, 30):
        a.settimeout(timeout)
        timer = threading.Timer(0.05, b.sendall, [b"late"])
        timer.start()
        assert a.recv(10) == b"late"
        timer.join()


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("how", ["send", "send_zerocopy"])
def test_sending_beside_a_notice(zero, stuck, timeout, how):
    a, b, went, _ = stuck
    poll = select.poll()
    poll.register(a, 0)
    left = len(went) - len(read_exactly(b, len(went) // 2))
    assert poll.poll(5000 * zero) == [(a.fileno(), select.POLLERR)] * zero
    a.settimeout(0.3)
    send = getattr(a, how)
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            begin = time.monotonic(), time.thread_time()
            left += send(b"x" * PIECE)
    assert 0.3 <= time.monotonic() - begin[0] < 5
    assert time.thread_time() - begin[1] < 0.15
    assert poll.poll(0) == [(a.fileno(), select.POLLERR)] * zero
    a.settimeout(timeout)
    timer = threading.Timer(0.3, read_exactly, [b, left])
    timer.start()
    begin = time.thread_time()
    assert send(b"later") == 5
    assert time.thread_time() - begin < 0.15
    timer.join()
    assert read_exactly(b, 5) == b"later"


# The error queue and its other readers


@pytest.fixture
def timestamped(pysock):
    """Two UDP sockets, the first with transmit timestamps."""
    with udp(pysock, connected=True) as (a, b):
        a.setsockopt(pysock.SOL_SOCKET, SO_TIMESTAMPING, TX_TIMESTAMPS)
        yield a, b


def without_times(messages):
    """The messages, but for timestamps, and for what tells one IP packet from another."""
    return [
        (
            data[:18] + data[20:24] + data[26:],
            [item for item in ancdata if item[:2] != (1, SO_TIMESTAMPING)],
            flags,
            address,
        )
        for data, ancdata, flags, address in messages
    ]


@pytest.mark.parametrize(
    "room", [(2000, 512), (2000, 64), (2000, 20), (2000, 0), (70, 512), (0, 0)]
)
def test_timestamps_are_kept_for_recvmsg(timestamped, zero, room):
    """What a reap came across is read as if the kernel gave it, however little room there is."""
    a, _ = timestamped
    for size in (100, 1000, 2000):
        a.send(noise(size))
    expected = errors_of(a, *room)
    for size in (100, 1000, 2000):
        a.send_zerocopy(noise(size))
    a.settimeout(30)
    assert a.reap_zerocopy()[0] == 3 * zero
    came = errors_of(a, *room)
    assert len(came) == 3
    assert without_times(came) == without_times(expected)
    assert errors_of(a) == []


def test_recvmsg_into_gets_them_too(timestamped, zero):
    a, _ = timestamped
    a.send_zerocopy(noise(1000))
    assert a.reap_zerocopy()[0] == zero
    parts = [bytearray(3), bytearray(0), bytearray(5000)]
    n, _, flags, _ = a.recvmsg_into(parts, 512, socket.MSG_ERRQUEUE)
    assert n >= 1000 and flags == socket.MSG_ERRQUEUE
    assert (parts[0] + parts[2])[:n].endswith(noise(1000))


def test_the_order_is_kept(timestamped, zero):
    a, _ = timestamped
    for size in (100, 200, 300):
        a.send_zerocopy(noise(size))
    assert a.zerocopy_pending() == 0  # took three notices, and perhaps not the last timestamp
    a.send_zerocopy(noise(400))
    came = errors_of(a, 5000)
    lengths = [len(data) for data, ancdata, *_ in came if origins([(data, ancdata, 0, 0)]) == [4]]
    assert lengths == sorted(lengths) and len(lengths) == 4
    assert origins(came).count(ZEROCOPY) == zero
    assert a.reap_zerocopy()[0] == 4 * zero


@pytest.mark.parametrize("room", [512, 24, 0])
def test_a_notice_that_somebody_else_reads_counts(pysock, zero, room):
    with tcp(pysock) as (a, b):
        a.send_zerocopy(noise(5000))
        read_exactly(b, 5000)
        poll = select.poll()
        poll.register(a, 0)
        poll.poll(5000 * zero)
        [(data, ancdata, flags, _)] = errors_of(a, 10, room) if zero else [(b"", [], 0, None)]
        assert data == b""
        assert origins([(data, ancdata, flags, None)]) == [ZEROCOPY] * (zero and room > 0)
        assert bool(flags & pysock.MSG_CTRUNC) == (zero and room < 512)
        assert a.zerocopy_pending() == 0
        a.settimeout(5)
        assert a.reap_zerocopy()[0] == zero


def batched(pysock, sock, flags):
    batch = pysock.DatagramBatch(4, 100)
    assert batch.recv_into(sock, flags) == 1
    return batch[0]


CALLS = {
    "recv": lambda pysock, sock, flags: sock.recv(100, flags),
    "recv of much": lambda pysock, sock, flags: sock.recv(100_000, flags),
    "recvfrom": lambda pysock, sock, flags: sock.recvfrom(100, flags)[0],
    "recv_into": lambda pysock, sock, flags: b"x" * sock.recv_into(bytearray(100), 0, flags),
    "recvfrom_into": lambda pysock, sock, flags: (
        b"x" * sock.recvfrom_into(bytearray(100), 0, flags)[0]
    ),
    "recvmmsg": lambda pysock, sock, flags: sock.recvmmsg(4, 100, flags)[0][0],
    "DatagramBatch": batched,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_notice_counts_whoever_takes_it(pysock, zero, call):
    """Otherwise its buffer would be held for good, and waited for."""
    with udp(pysock, connected=True) as (a, b):
        a.send_zerocopy(noise(1000))
        assert b.recv(2000) == noise(1000)
        if zero:
            poll = select.poll()
            poll.register(a, 0)
            poll.poll(5000)
            assert bytes(CALLS[call](pysock, a, socket.MSG_ERRQUEUE)) == b""
        a.settimeout(1)
        assert a.reap_zerocopy()[0] == zero
        assert a.zerocopy_pending() == 0


@pytest.mark.parametrize("call", ["recv", "recvfrom", "recv of much", "recv_into"])
def test_what_is_kept_comes_by_every_single_receive(timestamped, pysock, zero, call):
    a, _ = timestamped
    a.send_zerocopy(noise(1000))
    assert a.reap_zerocopy()[0] == zero
    assert CALLS[call](pysock, a, socket.MSG_ERRQUEUE)
    a.setblocking(False)
    with pytest.raises(BlockingIOError):
        CALLS[call](pysock, a, socket.MSG_ERRQUEUE)


def test_icmp_errors_are_kept(pysock, zero):
    with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as a:
        with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            a.connect(gone.getsockname())
        a.setsockopt(pysock.IPPROTO_IP, IP_RECVERR, 1)
        a.settimeout(30)
        a.send_zerocopy(noise(1000))
        assert a.reap_zerocopy()[0] == zero
        with pytest.raises(ConnectionRefusedError):
            a.recv(10)
        [(data, ancdata, _, address)] = errors_of(a, 5000)
        assert origins([(data, ancdata, 0, address)]) == [ICMP]
        assert len(data) > 100 and noise(1000).startswith(data) and address == a.getpeername()
        assert errors_of(a) == []


def test_what_is_kept_has_a_limit(timestamped, zero):
    """As the kernel's queue has: who asks for timestamps has to read them."""
    a, b = timestamped
    for _ in range(3000):
        a.send_zerocopy(b"x")
        b.recv(10)
        a.zerocopy_pending()
    kept = len(errors_of(a))
    assert kept > 100 and (kept < 3000) == zero


def test_an_error_queue_without_zero_copy_sends(timestamped, pysock):
    """Where none was made nothing is taken by us."""
    a, _ = timestamped
    a.send(b"x")
    assert (a.zerocopy_pending(), a.reap_zerocopy()) == (0, (0, 0))
    with pysock.socket(pysock.AF_INET, pysock.SOCK_STREAM) as other:
        assert errors_of(other) == []
    assert origins(errors_of(a)) == [TIMESTAMP]
