"""bytes_sent: after an exception, sendall and sendmsg_all say how much is on its way."""

import contextlib
import math
import os
import queue
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.whole_streams import Refusing, Strict, alarms, drained, reset, stream, waiting

CALLS = ["sendall", "sendmsg_all"]
KINDS = ["unix", "tcp4"]


def cut(data):
    """*data* as buffers of several kinds and sizes; of much data, some windows of the kernel's."""
    pieces, at = [], 0
    size = max(300, len(data) // 5000)
    while at < len(data):
        pieces += [data[at : at + size], b"", bytearray(data[at + size : at + 3 * size])]
        at += 3 * size
    return pieces


def prepared(sock, call, data):
    """The method and its argument."""
    return (sock.sendall, data) if call == "sendall" else (sock.sendmsg_all, cut(data))


def send(sock, call, data):
    method, argument = prepared(sock, call, data)
    return method(argument)


def take(sock, n=1 << 20):
    """What is there, up to *n* bytes."""
    came = b""
    with contextlib.suppress(BlockingIOError):
        while len(came) < n and (piece := sock.recv(n - len(came), 0x40)):  # MSG_DONTWAIT
            came += piece
    return came


@pytest.fixture(params=KINDS)
def connection(request, pysock):
    with stream(pysock, request.param, small=True) as pair:
        yield pair


@pytest.fixture(params=CALLS)
def call(request):
    return request.param


def test_nothing_is_on_an_exception_that_was_not_raised(pysock, connection, call):
    a, b = connection
    data = os.urandom(1_000_000)
    with drained(b) as came:
        assert send(a, call, data) is None
        a.settimeout(30)
        assert send(a, call, data) is None
        a.shutdown(pysock.SHUT_WR)
    assert came == data * 2


IN_VAIN = ["socket", "non-blocking", "SO_SNDTIMEO", "signal", "signal, timeout"]


@contextlib.contextmanager
def without_room(pysock, sock, how):
    """Let the next large send fail; yields what it raises."""
    error = BlockingIOError
    if how == "socket":
        sock.settimeout(0.002)
        error = TimeoutError
    elif how == "non-blocking":
        sock.setblocking(False)
    elif how == "SO_SNDTIMEO":
        sock.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDTIMEO, struct.pack("ll", 0, 2000))
    elif how == "signal, timeout":
        sock.settimeout(30)
        error = ZeroDivisionError
    else:
        error = ZeroDivisionError
    yield error
    sock.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDTIMEO, bytes(16))
    sock.settimeout(None)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(IN_VAIN), st.integers(0, 5000), st.integers(0, 30_000)),
        max_size=10,
    )
)
def test_what_arrives_is_what_was_counted(pysock, kind, call, steps):
    came = sent = b""
    armed = False

    def handler():
        nonlocal armed
        if armed:
            armed = False
            raise ZeroDivisionError

    with stream(pysock, kind, small=True) as (a, b):
        for how, take_first, size in steps:
            came += take(b, take_first)
            data = os.urandom(size)
            method, argument = prepared(a, call, data)
            returned = []
            with without_room(pysock, a, how) as error, alarms(handler):
                armed = error is ZeroDivisionError
                try:
                    returned.extend(map(method, [argument]))  # returned is kept
                except error as caught:
                    # A signal may have come before the call, or after it.
                    count = getattr(caught, "bytes_sent", len(data) if returned else 0)
                    assert hasattr(caught, "bytes_sent") or error is ZeroDivisionError
                    sent += data[:count]
                else:
                    armed = False
                    sent += data
        a.shutdown(pysock.SHUT_WR)
        while piece := b.recv(100_000):
            came += piece
        assert came == sent


class Allowance:
    """How many bytes a peer may take: more when that is granted, all when nothing is any more."""

    def __init__(self):
        self.granted = queue.SimpleQueue()

    def __call__(self):
        try:
            return self.granted.get(timeout=20)
        except queue.Empty:
            return math.inf


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_raises_again_and_again(pysock, connection, call, timeout):
    """In the middle of a call: the peer takes a part of what it sends, and it has to wait."""
    a, b = connection
    a.settimeout(timeout)
    data = os.urandom(3_000_000)
    at, raised, armed = 0, [], False
    allowance = Allowance()

    def handler():
        nonlocal armed
        if armed:
            armed = False
            raise ZeroDivisionError

    with drained(b, until=allowance) as came:
        with alarms(handler):
            while at < len(data):
                method, argument = prepared(a, call, data[at : at + 400_000])
                returned = []
                allowance.granted.put(at + 100_000)
                armed = True
                try:
                    returned.extend(map(method, [argument]))
                except ZeroDivisionError as error:
                    raised.append(error)
                    if not returned:
                        at += getattr(error, "bytes_sent", 0)
                armed = False
                if returned:
                    at = min(at + 400_000, len(data))
        allowance.granted.put(math.inf)
        a.shutdown(pysock.SHUT_WR)
    arrived_whole = came == data  # megabytes, whose difference pytest would look for for minutes
    assert arrived_whole
    # No call but the last can have sent all of its 400,000 bytes.
    in_the_middle = [error for error in raised if getattr(error, "bytes_sent", 0) > 0]
    assert len(in_the_middle) >= 2_600_000 // 400_000


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_peer_that_has_gone(pysock, connection, call, timeout):
    """The error is the kernel's for the first call that meets it, as `socket` raises it."""
    a, b = connection
    a.settimeout(timeout)

    def leave():
        b.recv(1000)
        reset(b)

    late = threading.Thread(target=leave)
    late.start()
    with pytest.raises((ConnectionResetError, BrokenPipeError)) as caught:
        send(a, call, bytes(10_000_000))
    late.join()
    assert 0 < caught.value.bytes_sent < 10_000_000
    with pytest.raises(OSError) as caught:
        send(a, call, b"more")
    assert caught.value.bytes_sent == 0
    a.close()
    with pytest.raises(OSError) as caught:
        send(a, call, b"more")
    assert (caught.value.errno, caught.value.bytes_sent) == (9, 0)


def test_closed_in_another_thread(pysock, connection, call):
    a, b = connection
    a.settimeout(0.3)

    def leave():
        b.recv(1, pysock.MSG_PEEK)
        a.close()

    late = threading.Thread(target=leave)
    late.start()
    with pytest.raises(OSError) as caught:
        send(a, call, bytes(10_000_000))
    late.join()
    assert caught.value.bytes_sent == len(take(b)) > 0


def test_one_timeout_for_all_of_it(pysock, connection, call):
    a, b = connection
    a.settimeout(0.3)
    over = threading.Event()
    came = bytearray()

    def trickle():
        while not over.wait(0.02):
            came.extend(b.recv(500))

    thread = threading.Thread(target=trickle)
    thread.start()
    start = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        send(a, call, bytes(50_000_000))
    assert 0.3 <= time.monotonic() - start < 2
    over.set()
    thread.join()
    a.close()
    while piece := b.recv(100_000):
        came += piece
    assert caught.value.bytes_sent == len(came)


@pytest.mark.parametrize("error", [Refusing, Strict])
def test_an_exception_that_refuses_attributes_passes(pysock, connection, call, error):
    a, b = connection
    raised = []

    def handler():
        if not raised and waiting(b) > 0:  # in the middle of it
            raised.append(1)
            raise error

    with pytest.raises(error) as caught, alarms(handler):
        send(a, call, bytes(1_000_000))
    assert hasattr(caught.value, "bytes_sent") == (error is Strict)


def test_arguments_are_as_those_of_socket(net, pair):
    """What is wrong before anything is sent is an error as it was."""
    import socket

    a, b = pair
    with socket.socket(fileno=os.dup(a.fileno())) as oracle:
        for arguments in [
            ("text",),
            (None,),
            (memoryview(b"abcd")[::2],),
            (b"x", "1"),
            (b"x", 1.0),
            (b"x", 2**40),
            (),
            (b"x", 0, 0),
        ]:
            with pytest.raises((TypeError, BufferError, OverflowError)) as expected:
                oracle.sendall(*arguments)
            with pytest.raises(expected.type):
                a.sendall(*arguments)
    a.sendall(memoryview(b"abcdef").cast("B", (2, 3)))
    a.sendall(b"", net.MSG_DONTWAIT)
    a.sendall(b"gh", net.MSG_MORE)
    assert b.recv(100) == b"abcdefgh"
