"""recv_exactly and recv_exactly_into: every byte, or all that came before what went wrong."""

import contextlib
import math
import os
import struct
import sys
import threading
import time
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.whole_streams import WAYS, alarms, deliver, exactly, partial_of, reset, stream, waiting

KINDS = ["unix", "tcp4", "tcp6"]


@pytest.fixture(params=WAYS)
def receive(request):
    return WAYS[request.param]


@pytest.fixture(params=KINDS)
def connection(request, pysock):
    with stream(pysock, request.param) as pair:
        yield pair


# Whole


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize(
    "n", [0, 1, 2, 4095, 4096, 4097, 16384, 16385, 65536, 262_144, 1_000_001, 9_000_000]
)
def test_every_size(pysock, connection, receive, n, timeout):
    a, b = connection
    b.settimeout(timeout)
    data = os.urandom(n)
    sender = threading.Thread(target=a.sendall, args=(data + b"more",))
    sender.start()
    came = receive(b, n)
    assert type(came) is bytes
    assert came == data
    assert b.recv_exactly(4) == b"more"
    sender.join()


def test_nothing_asks_the_kernel_nothing(pysock, pair):
    a, b = pair
    for sock in (a, b):
        sock.close()
        assert sock.recv_exactly(0) == b""
        assert sock.recv_exactly_into(bytearray()) == 0
        assert sock.recv_exactly_into(memoryview(bytearray(4))[4:]) == 0


def test_the_bytes_are_received_where_they_are_returned(pysock, pair):
    """8 MiB once in memory, and not twice."""
    a, b = pair
    n = 8 << 20
    data = bytes(n)
    sender = threading.Thread(target=a.sendall, args=(data,))
    sender.start()
    tracemalloc.start()
    try:
        assert len(b.recv_exactly(n)) == n
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        sender.join()
    assert peak < (1.1 if pysock.BACKEND == "c" else 2.2) * n


@pytest.mark.parametrize("hold", [0, 1, 10**9])
def test_whatever_the_gil_hold(pysock, pair, receive, hold):
    a, b = pair
    default = pysock.get_gil_hold()
    try:
        pysock.set_gil_hold(hold)
        for timeout in (None, 30):
            b.settimeout(timeout)
            deliver(a, b, b"x" * 20_000)
            assert receive(b, 20_000) == b"x" * 20_000
    finally:
        pysock.set_gil_hold(default)


# Cut anywhere: a model that knows what was sent and what was taken


RECEIVES = {way.__code__ for way in WAYS.values()}
IN_VAIN = ["past", "at once", "socket", "non-blocking", "SO_RCVTIMEO", "signal", "signal, timeout"]
STEPS = st.tuples(st.sampled_from(["send"] * len(IN_VAIN) + IN_VAIN), st.integers(1, 3000))
ENDS = st.sampled_from(["close", "shutdown", "reset"])


def in_a_receive():
    frame = sys._getframe()
    while frame and frame.f_code not in RECEIVES:
        frame = frame.f_back
    return frame is not None


@contextlib.contextmanager
def short_of_data(pysock, sock, how):
    """What to give a receive that will wait in vain, and what it will raise."""
    if how == "past":
        yield {"deadline": time.monotonic() - 5}, TimeoutError
    elif how == "at once":
        yield {"timeout": 0}, TimeoutError
    elif how == "socket":
        sock.settimeout(0.001)
        yield {}, TimeoutError
    elif how == "non-blocking":
        sock.setblocking(False)
        yield {}, BlockingIOError
    elif how == "SO_RCVTIMEO":
        sock.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVTIMEO, struct.pack("ll", 0, 1000))
        yield {}, BlockingIOError
        sock.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVTIMEO, bytes(16))
    else:
        raised = []

        def handler():
            # Not before the call, and when it has taken what there was.
            if not raised and in_a_receive() and waiting(sock) == 0:
                raised.append(1)
                raise ZeroDivisionError

        with alarms(handler):
            yield {"timeout": 30} if how == "signal, timeout" else {}, ZeroDivisionError
    sock.settimeout(None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["unix", "tcp4"])
@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=15), n=st.integers(1, 9000), end=ENDS)
def test_a_stream_cut_anywhere(pysock, kind, way, steps, n, end):
    """Failed calls bring all there is, the next one goes on from there."""
    receive = WAYS[way]
    sent = os.urandom(50_000)
    at = taken = 0
    with stream(pysock, kind) as (a, b):
        for step, size in steps:
            if step == "send":
                deliver(a, b, sent[at : at + size])
                at += size
                continue
            there = at - taken
            if size <= there:
                assert receive(b, size, timeout=0) == sent[taken : taken + size]
                taken += size
                continue
            with short_of_data(pysock, b, step) as (patience, error):
                assert partial_of(error, receive, b, size, **patience) == sent[taken:at]
            taken = at
        n += at - taken
        if end == "shutdown":
            a.shutdown(pysock.SHUT_WR)
        elif end == "close":
            a.close()
        else:
            b.send(b"never read")
            reset(a)
        error = ConnectionResetError if end == "reset" else pysock.IncompleteReadError
        assert partial_of(error, receive, b, n) == sent[taken:at]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("kind", ["unix", "tcp4"])
@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=8), closes=st.booleans())
def test_each_signal_brings_a_piece(pysock, kind, timeout, way, sizes, closes):
    """A handler that returns changes nothing, whatever it has done: PEP 475."""
    receive = WAYS[way]
    pieces = [os.urandom(size) for size in sizes]
    data = b"".join(pieces)
    left = iter(pieces)
    with stream(pysock, kind) as (a, b):

        def handler():
            piece = next(left, None)
            if piece is not None:
                a.sendall(piece)
            elif closes:
                a.close()

        b.settimeout(timeout)
        with alarms(handler):
            if closes:
                with pytest.raises(pysock.IncompleteReadError) as caught:
                    receive(b, len(data) + 1)
                assert caught.value.partial == data
                assert caught.value.expected == len(data) + 1
            else:
                assert receive(b, len(data)) == data


@pytest.mark.parametrize("timeout", [None, 30])
def test_signals_during_a_large_one(pysock, connection, receive, timeout):
    a, b = connection
    data = os.urandom(20_000_000)
    ran = []
    b.settimeout(timeout)

    def send():
        for at in range(0, len(data), 333_333):
            a.sendall(data[at : at + 333_333])
            time.sleep(0.001)

    sender = threading.Thread(target=send)
    sender.start()
    with alarms(lambda: ran.append(1)):
        assert receive(b, len(data)) == data
    sender.join()
    assert len(ran) > 5


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_raises_again_and_again(pysock, connection, timeout):
    """What a call took is on what it raised, whenever that was."""
    a, b = connection
    data = os.urandom(20_000_000)
    b.settimeout(timeout)
    came, raised = [], []
    armed = False

    def handler():
        nonlocal armed
        if armed:
            armed = False
            raise ZeroDivisionError

    sender = threading.Thread(target=a.sendall, args=(data,))
    sender.start()
    with alarms(handler):
        while (left := len(data) - sum(map(len, came))) > 0:
            armed = True
            try:
                came.extend(map(b.recv_exactly, [min(left, 3_000_000)]))  # returned is kept
            except ZeroDivisionError as error:
                raised.append(error)
                came.append(getattr(error, "partial", b""))
            armed = False
    sender.join()
    assert b"".join(came) == data
    assert raised


# Time


def test_ten_timeouts_and_then_the_rest(pysock, connection, receive):
    a, b = connection
    b.settimeout(0.005)
    data = os.urandom(10_000)
    came = b""
    for i in range(10):
        a.sendall(data[i * 500 : i * 500 + 500])
        came += partial_of(TimeoutError, receive, b, len(data) - len(came))
    a.sendall(data[5000:])
    came += receive(b, len(data) - len(came))
    assert came == data


@pytest.mark.parametrize("how", ["socket", "timeout", "deadline"])
@pytest.mark.parametrize("n", [1000, 100_000])
def test_a_peer_that_trickles_does_not_move_the_deadline(pysock, connection, receive, how, n):
    a, b = connection
    over = threading.Event()

    def trickle():
        while not over.wait(0.02):
            a.sendall(b"x")

    a.sendall(b"x")  # on a busy machine the thread may come too late for its first byte
    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        start = time.monotonic()
        patience = {}
        if how == "socket":
            b.settimeout(0.3)
        elif how == "timeout":
            patience = {"timeout": 0.3}
        else:
            patience = {"deadline": start + 0.3}
        partial = partial_of(TimeoutError, receive, b, n, **patience)
        spent = time.monotonic() - start
    finally:
        over.set()
        thread.join()
    assert 0.3 <= spent < 2
    assert 1 <= len(partial) < n
    assert partial == b"x" * len(partial)


def test_a_peer_that_never_stops_does_not_move_the_deadline(connection):
    a, b = connection
    over = threading.Event()

    def pour():
        with contextlib.suppress(OSError):
            while not over.is_set():
                a.sendall(bytes(100_000))

    thread = threading.Thread(target=pour)
    thread.start()
    try:
        start = time.monotonic()
        partial = partial_of(TimeoutError, exactly, b, 1 << 28, timeout=0.02)
        assert 0.02 <= time.monotonic() - start < 5
        assert len(partial) > 0
    finally:
        over.set()
        b.close()
        thread.join()


@pytest.mark.parametrize("mode", [None, 0, 0.001, 30])
def test_a_call_has_its_own_time_and_leaves_the_sockets(pysock, connection, receive, mode):
    a, b = connection
    b.settimeout(mode)
    blocking = os.get_blocking(b.fileno())
    a.sendall(b"ab")
    late = threading.Timer(0.1, a.sendall, [b"cd"])
    late.start()
    assert receive(b, 4, timeout=30) == b"abcd"
    late.join()
    late = threading.Timer(0.1, a.sendall, [b"ef"])
    late.start()
    assert receive(b, 2, timeout=None) == b"ef"
    late.join()
    a.sendall(b"g")
    start = time.monotonic()
    assert partial_of(TimeoutError, receive, b, 2, deadline=start + 0.1) == b"g"
    assert 0.1 <= time.monotonic() - start < 2
    assert b.gettimeout() == mode
    assert os.get_blocking(b.fileno()) is blocking


@pytest.mark.parametrize("kind", [Decimal, Fraction])
def test_times_are_real_numbers(pysock, pair, receive, kind):
    a, b = pair
    a.sendall(b"a")
    start = time.monotonic()
    assert partial_of(TimeoutError, receive, b, 2, timeout=kind("0.1")) == b"a"
    assert 0.1 <= time.monotonic() - start < 2
    a.sendall(b"b")
    start = time.monotonic()
    assert partial_of(TimeoutError, receive, b, 2, deadline=kind(start) + kind("0.1")) == b"b"
    assert 0.1 <= time.monotonic() - start < 2


def test_times_that_are_none(pysock, pair, receive):
    _, b = pair
    for wrong, error in [
        ({"timeout": 1, "deadline": 1}, TypeError),
        ({"timeout": None, "deadline": 1}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"timeout": math.nan}, ValueError),
        ({"timeout": "1"}, TypeError),
        ({"deadline": "1"}, TypeError),
        ({"seconds": 1}, TypeError),
    ]:
        with pytest.raises(error):
            receive(b, 1, **wrong)
    with pytest.raises(TypeError):
        b.recv_exactly(1, 5)
    with pytest.raises(TypeError):
        b.recv_exactly_into(bytearray(1), 5)
