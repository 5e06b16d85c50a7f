"""recv_exactly and recv_exactly_into: streams that end before, odd arguments, other sockets."""

import array
import ctypes
import os
import sys
import threading
import time

import pytest
from support.whole_streams import (
    WAYS,
    Refusing,
    Strict,
    alarms,
    deliver,
    flipped,
    partial_of,
    reset,
    stream,
    tls,
    waiting,
)

KINDS = ["unix", "tcp4", "tcp6"]


@pytest.fixture(params=WAYS)
def receive(request):
    return WAYS[request.param]


@pytest.fixture(params=KINDS)
def connection(request, pysock):
    with stream(pysock, request.param) as pair:
        yield pair


# Ends


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("n", [10, 100_000])
def test_a_reset_in_the_middle(pysock, connection, receive, n, timeout):
    a, b = connection
    b.settimeout(timeout)
    b.sendall(b"never read")
    deliver(a, b, b"abc")
    late = threading.Timer(0.05, reset, [a])
    late.start()
    assert partial_of(ConnectionResetError, receive, b, n) == b"abc"
    late.join()
    assert partial_of(pysock.IncompleteReadError, receive, b, n) == b""


@pytest.mark.parametrize("timeout", [None, 30])
def test_the_end_in_the_middle(pysock, connection, timeout):
    a, b = connection
    b.settimeout(timeout)
    deliver(a, b, b"abcabc")
    late = threading.Timer(0.05, a.close)
    late.start()
    with pytest.raises(pysock.IncompleteReadError) as caught:
        b.recv_exactly(100_000)
    late.join()
    assert (caught.value.partial, caught.value.expected) == (b"abcabc", 100_000)
    with pytest.raises(EOFError) as caught:
        b.recv_exactly_into(bytearray(10))
    assert (caught.value.partial, caught.value.expected) == (b"", 10)
    assert caught.value.bytes_received == 0


def test_shutdown_in_another_thread(pysock, connection, receive):
    a, b = connection
    deliver(a, b, b"abc")
    late = threading.Timer(0.05, b.shutdown, [pysock.SHUT_RD])
    late.start()
    assert partial_of(pysock.IncompleteReadError, receive, b, 10) == b"abc"
    late.join()


def test_close_in_another_thread(pysock, connection, receive):
    a, b = connection
    b.settimeout(0.3)
    deliver(a, b, b"abc")

    def close():
        while waiting(b):  # the call has not begun, or is about to take it
            time.sleep(0.001)
        time.sleep(0.02)  # from there to the wait
        b.close()

    closer = threading.Thread(target=close)
    closer.start()
    assert partial_of(OSError, receive, b, 10) == b"abc"
    closer.join()
    assert b.fileno() == -1


def test_closed_and_unconnected(pysock, pair, receive):
    _, b = pair
    b.close()
    for patience in ({}, {"timeout": 1}, {"timeout": None}):
        with pytest.raises(OSError) as caught:
            receive(b, 10, **patience)
        assert caught.value.args[0] == 9
        with pysock.socket() as sock, pytest.raises(OSError) as caught:
            receive(sock, 10, **patience)
        assert caught.value.args[0] == 107


def test_what_a_nonblocking_descriptor_of_a_blocking_socket_says(pysock, connection, receive):
    a, b = connection
    os.set_blocking(b.fileno(), False)
    deliver(a, b, b"abc")
    assert partial_of(BlockingIOError, receive, b, 10) == b"abc"


@pytest.mark.parametrize("error", [Refusing, Strict])
def test_an_exception_that_refuses_attributes_passes(pysock, connection, receive, error):
    a, b = connection
    deliver(a, b, b"abc")
    raised = []

    def handler():
        if not raised and waiting(b) == 0:
            raised.append(1)
            raise error

    with pytest.raises(error) as caught, alarms(handler):
        b.recv_exactly(10)
    assert getattr(caught.value, "partial", None) == (b"abc" if error is Strict else None)


# Arguments


@pytest.mark.parametrize("n", [-1, -(2**63), 2**62, 2**63, 2**70, 1.0, "1", None, b"1"])
def test_numbers_that_are_none(pysock, pair, n):
    with pytest.raises((ValueError, TypeError, OverflowError, MemoryError)) as expected:
        pair[1].recv(n)
    with pytest.raises(expected.type):
        pair[1].recv_exactly(n)


def test_memory_for_much_is_not_used_before_it_comes(pysock, pair):
    a, b = pair
    a.sendall(b"abc")
    a.close()
    with pytest.raises(pysock.IncompleteReadError) as caught:
        b.recv_exactly(1 << 30)
    assert caught.value.partial == b"abc"
    assert sys.getsizeof(caught.value.partial) < 100


@pytest.mark.parametrize(
    "make",
    [
        lambda: array.array("d", [0] * 3),
        lambda: memoryview(array.array("i", [0] * 6)),
        lambda: memoryview(bytearray(24)).cast("B", (2, 3, 4)),
        lambda: (ctypes.c_int * 6)(),
        lambda: ctypes.c_int64(),
        lambda: memoryview(bytearray(30))[3:27],
    ],
)
def test_buffers_of_every_kind(pysock, pair, make):
    a, b = pair
    room = make()
    size = memoryview(room).nbytes
    data = os.urandom(size)
    a.sendall(data + b"more")
    assert b.recv_exactly_into(room) == size
    assert bytes(memoryview(room)) == data
    assert b.recv_exactly(4) == b"more"


@pytest.mark.parametrize(
    "wrong",
    [
        b"abc",
        memoryview(b"abc"),
        memoryview(bytearray(8))[::2],
        memoryview(bytearray(8))[::-1],
        "abc",
        5,
        None,
        [b"abc"],
    ],
)
def test_buffers_that_are_none(pysock, pair, wrong):
    a, b = pair
    a.sendall(b"still there")
    with pytest.raises((TypeError, BufferError)) as expected:
        b.recv_into(wrong)
    with pytest.raises(expected.type, match="read-write bytes-like object"):
        b.recv_exactly_into(wrong)
    assert b.recv(100) == b"still there"


def test_a_buffer_is_held_during_the_call_and_given_back(pysock, pair):
    a, b = pair
    room = bytearray(10)
    references = sys.getrefcount(room)
    seen = []

    def look():
        try:
            room.append(1)
        except BufferError as error:
            seen.append(error)
        a.sendall(b"x" * 10)

    late = threading.Timer(0.05, look)
    late.start()
    assert b.recv_exactly_into(room) == 10
    late.join()
    assert seen
    caught = []
    for patience in ({"timeout": 0}, {"timeout": 0.01}, {"timeout": -1}):
        with pytest.raises((TimeoutError, ValueError)) as error:
            b.recv_exactly_into(room, **patience)
        caught.append(error.value)
        room.append(1)
        room.pop()
    a.close()
    with pytest.raises(EOFError) as error:
        b.recv_exactly_into(room)
    room.append(1)
    del error, caught, look, late
    assert sys.getrefcount(room) == references


class Closing:
    """A number that closes a socket when it is asked for."""

    def __init__(self, sock, value):
        self.sock, self.value = sock, value

    def __index__(self):
        self.sock.close()
        return self.value

    def __float__(self):
        self.sock.close()
        return float(self.value)

    def __lt__(self, other):
        return self.value < other

    def __rsub__(self, other):
        return other - self.value

    def __radd__(self, other):
        return other + self.__index__()

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags):
            self.sock.close()
            return memoryview(bytearray(self.value))


def test_arguments_that_close_the_socket(pysock):
    calls = [
        lambda sock: sock.recv_exactly(Closing(sock, 5)),
        lambda sock: sock.recv_exactly(5, timeout=Closing(sock, 1)),
    ]
    if sys.version_info >= (3, 12):
        calls.append(lambda sock: sock.recv_exactly_into(Closing(sock, 5)))
    for call in calls:
        a, b = pysock.socketpair()
        with a, b:
            a.sendall(b"abcde")
            with pytest.raises(OSError) as caught:
                call(b)
            assert caught.value.args[0] == 9


# Other sockets


def test_sockets_that_are_no_streams(pysock):
    for kind in (pysock.SOCK_DGRAM, pysock.SOCK_SEQPACKET):
        a, b = pysock.socketpair(pysock.AF_UNIX, kind)
        with a, b:
            a.send(b"abc")
            for call in (
                lambda b=b: b.recv_exactly(3),
                lambda b=b: b.recv_exactly_into(bytearray(3)),
            ):
                with pytest.raises(OSError, match="stream") as caught:
                    call()
                assert caught.value.args[0] == 95
            assert b.recv(10) == b"abc"


def other_family(pysock, sock):
    """The same connection behind an object that names a family which the C backend leaves alone."""
    return pysock.socket(pysock.AF_PACKET, pysock.SOCK_STREAM, 0, fileno=sock.detach())


@pytest.mark.parametrize("mode", [None, 0, 30])
def test_streams_of_another_family(pysock, pair, receive, mode):
    a, b = pair
    with other_family(pysock, b) as other:
        other.settimeout(mode)
        a.sendall(b"abc")
        late = threading.Timer(0.05, a.sendall, [b"d" * 100_000])
        late.start()
        assert receive(other, 100_003, timeout=30) == b"abc" + b"d" * 100_000
        late.join()
        a.sendall(b"e")
        assert partial_of(TimeoutError, receive, other, 2, timeout=0.05) == b"e"
        assert other.gettimeout() == mode
        a.sendall(b"f")
        a.close()
        assert partial_of(pysock.IncompleteReadError, receive, other, 2) == b"f"


@pytest.mark.parametrize("mode", [None, 0, 30])
def test_a_class_with_a_recv_of_its_own_is_asked_by_that(pysock, pair, receive, mode):
    a, b = pair
    with flipped(pysock)(fileno=b.detach()) as own:
        own.settimeout(mode)
        data = os.urandom(10_000)
        late = threading.Timer(0.05, a.sendall, [bytes(255 - x for x in data)])
        late.start()
        assert receive(own, len(data), timeout=30) == data
        late.join()
        a.sendall(b"\x00")
        start = time.monotonic()
        assert partial_of(TimeoutError, receive, own, 2, timeout=0.1) == b"\xff"
        assert 0.1 <= time.monotonic() - start < 2
        assert own.gettimeout() == mode
        a.sendall(b"\x01")
        a.close()
        assert partial_of(pysock.IncompleteReadError, receive, own, 2) == b"\xfe"


def test_tls(pysock, receive):
    with tls(pysock) as (ours, theirs):
        data = os.urandom(100_000)
        sender = threading.Thread(target=theirs.sendall, args=(data,))
        sender.start()
        assert receive(ours, len(data)) == data
        sender.join()
        theirs.sendall(b"abc")
        assert partial_of(TimeoutError, receive, ours, 4, timeout=0.05) == b"abc"
        assert ours.gettimeout() is None
        theirs.sendall(b"def")
        theirs.close()
        assert partial_of(pysock.IncompleteReadError, receive, ours, 4) == b"def"
