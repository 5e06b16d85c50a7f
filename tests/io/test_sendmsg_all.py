"""sendmsg_all: every byte of many buffers, in order, as if they were one."""

import array
import ctypes
import gc
import os
import random
import sys
import threading
import time
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.whole_streams import drained, flipped, stream, tls

KINDS = ["unix", "tcp4", "tcp6"]
FORMS = [
    bytes,
    bytearray,
    lambda data: memoryview(b"x" + data + b"x")[1:-1],
    lambda data: memoryview(bytearray(data)),
    lambda data: array.array("B", data),
]


@pytest.fixture(params=KINDS)
def connection(request, pysock):
    with stream(pysock, request.param, small=True) as pair:
        yield pair


def arrives(pysock, connection, buffers, data, **patience):
    a, b = connection
    with drained(b) as came:
        assert a.sendmsg_all(buffers, **patience) is None
        a.shutdown(pysock.SHUT_WR)
    assert len(came) == len(data)
    assert came == data


# All of it


@pytest.mark.parametrize("size", [0, 1, 7, 1000, 20_000])
@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 100])
@pytest.mark.parametrize("timeout", [None, 30])
def test_counts_and_sizes(pysock, connection, count, size, timeout):
    connection[0].settimeout(timeout)
    data = os.urandom(count * size)
    buffers = [data[i * size : i * size + size] for i in range(count)]
    arrives(pysock, connection, buffers, data)


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2048, 2049, 5000, 100_000])
def test_more_buffers_than_the_kernel_takes(pysock, connection, count):
    data = os.urandom(count)
    arrives(pysock, connection, [data[i : i + 1] for i in range(count)], data)


def test_empty_buffers(pysock, connection):
    a, b = connection
    for nothing in ((), [], iter([]), [b""], [b""] * 5000, [bytearray(), memoryview(b"")] * 1000):
        assert a.sendmsg_all(nothing) is None
    with pytest.raises(BlockingIOError):
        b.recv(1, pysock.MSG_DONTWAIT)
    buffers = ([b""] * 1500 + [b"a"] + [b""] * 1024 + [b"bc"]) * 3 + [b""] * 2000
    arrives(pysock, connection, buffers, b"abc" * 3)


@pytest.mark.parametrize("kind", ["unix", "tcp4"])
@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.one_of(st.integers(0, 20), st.integers(0, 9000)), max_size=60),
    times=st.sampled_from([1, 1, 1, 50]),
    form=st.integers(0, len(FORMS)),
    seed=st.integers(0, 1000),
)
def test_partial_sends_anywhere(pysock, kind, sizes, times, form, seed):
    """The send buffer is small, so the kernel stops in the middle of a buffer time and again."""
    chance = random.Random(seed)
    sizes *= times
    pieces = [chance.randbytes(size) for size in sizes[:3000]]
    make = FORMS[form] if form < len(FORMS) else (lambda data: chance.choice(FORMS)(data))
    with stream(pysock, kind, small=True) as (a, b):
        a.settimeout(chance.choice([None, 30]))
        arrives(pysock, (a, b), [make(piece) for piece in pieces], b"".join(pieces))


@pytest.mark.parametrize("make", [list, tuple, iter, lambda x: (i for i in x), dict.fromkeys])
def test_any_iterable(pysock, connection, make):
    pieces = [b"%d," % i for i in range(2000)]
    arrives(pysock, connection, make(pieces), b"".join(pieces))


def test_buffers_that_nobody_else_keeps(pysock, connection):
    """What is received meanwhile would land in their memory, were it free."""
    pieces = [bytes([i % 256]) * size for size in (600, 10, 5000) for i in range(500)]
    arrives(pysock, connection, (b"%b" % piece for piece in pieces), b"".join(pieces))


def test_buffers_of_every_kind(pysock, connection):
    buffers = [
        array.array("d", [1.5, 2.5]),
        memoryview(bytes(range(24))).cast("B", (2, 3, 4)),
        (ctypes.c_int * 3)(1, 2, 3),
        memoryview(array.array("i", range(10)))[2:5],
    ]
    arrives(pysock, connection, buffers, b"".join(bytes(memoryview(x)) for x in buffers))


def test_one_buffer_many_times(pysock, connection):
    data = os.urandom(1000)
    arrives(pysock, connection, [data] * 3000, data * 3000)


# Time


@pytest.mark.parametrize("mode", [None, 0, 0.001, 30])
def test_a_call_has_its_own_time_and_leaves_the_sockets(pysock, connection, mode):
    a, b = connection
    a.settimeout(mode)
    blocking = os.get_blocking(a.fileno())
    data = os.urandom(3_000_000)
    sent = 0
    with drained(b, after=0.1) as came:
        a.sendmsg_all([data[:1000], data[1000:]], timeout=30)
        a.sendmsg_all([data[:1000], data[1000:]], timeout=None)
        a.sendmsg_all([data[:1000], data[1000:]], deadline=time.monotonic() + 30)
        a.shutdown(pysock.SHUT_WR)
    assert came == data * 3
    assert a.gettimeout() == mode
    assert os.get_blocking(a.fileno()) is blocking
    with stream(pysock, small=True) as (a, b):
        a.settimeout(mode)
        for patience in ({"timeout": 0.1}, {"deadline": time.monotonic() + 0.1}, {"timeout": 0}):
            start = time.monotonic()
            with pytest.raises(TimeoutError) as caught:
                a.sendmsg_all([data, data], **patience)
            assert time.monotonic() - start < 2
            sent += caught.value.bytes_sent
        assert len(b.recv(1_000_000)) == sent > 0


def test_a_time_that_is_past_still_sends_what_fits(pysock, connection):
    a, b = connection
    for patience in ({"timeout": 0}, {"deadline": 0}, {"deadline": time.monotonic() - 1}):
        a.sendmsg_all([b"ab", b"cd"], **patience)
        assert b.recv_exactly(4) == b"abcd"


def test_a_peer_that_trickles_does_not_move_the_deadline(pysock, connection):
    a, b = connection
    over = threading.Event()
    came = bytearray()

    def trickle():
        while not over.wait(0.01):
            came.extend(b.recv(3000))

    thread = threading.Thread(target=trickle)
    thread.start()
    start = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        a.sendmsg_all([bytes(1000)] * 50_000, timeout=0.3)
    assert 0.3 <= time.monotonic() - start < 2
    over.set()
    thread.join()
    a.close()
    while piece := b.recv(100_000):
        came += piece
    assert caught.value.bytes_sent == len(came)


def test_times_that_are_none(pysock, pair):
    a, b = pair
    for wrong, error in [
        ({"timeout": 1, "deadline": 1}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"timeout": "1"}, TypeError),
        ({"flags": 0}, TypeError),
    ]:
        with pytest.raises(error):
            a.sendmsg_all([b"x"], **wrong)
    with pytest.raises(TypeError):
        a.sendmsg_all([b"x"], ())
    with pytest.raises(TypeError):
        a.sendmsg_all()
    assert not b.recv_exactly(0)
    with pytest.raises(BlockingIOError):
        b.recv(1, pysock.MSG_DONTWAIT)


# Nothing is sent


@pytest.mark.parametrize(
    "wrong",
    [5, None, [b"x", 5], [b"x", "text"], "text", [b"x", None], [b"x", memoryview(b"abcd")[::2]]],
)
def test_buffers_that_are_none(pysock, pair, wrong):
    a, b = pair
    with pytest.raises((TypeError, BufferError)) as expected:
        a.sendmsg(wrong)
    with pytest.raises(expected.type):
        a.sendmsg_all(wrong)
    with pytest.raises(BlockingIOError):
        b.recv(1, pysock.MSG_DONTWAIT)


def test_an_iterator_that_raises(pysock, pair):
    a, b = pair

    def buffers():
        yield b"x"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        a.sendmsg_all(buffers())
    with pytest.raises(BlockingIOError):
        b.recv(1, pysock.MSG_DONTWAIT)


def test_an_iterator_that_closes_the_socket(pysock, pair):
    a, b = pair

    def buffers():
        yield b"x"
        a.close()
        yield b"y"

    with pytest.raises(OSError) as caught:
        a.sendmsg_all(buffers())
    assert (caught.value.errno, caught.value.bytes_sent) == (9, 0)
    assert b.recv(10) == b""


def test_sockets_that_are_no_streams(pysock):
    for kind in (pysock.SOCK_DGRAM, pysock.SOCK_SEQPACKET):
        a, b = pysock.socketpair(pysock.AF_UNIX, kind)
        with a, b, pytest.raises(OSError, match="stream") as caught:
            a.sendmsg_all([b"x"])
        assert caught.value.errno == 95


# What belongs to others


def test_a_list_that_changes_while_it_is_sent(pysock):
    """The buffers are those that the list had; their memory cannot be moved away meanwhile."""
    with stream(pysock, small=True) as (a, b):
        buffers = [bytearray(b"%03d" % i) * 1000 for i in range(300)]
        data = b"".join(buffers)
        first = buffers[200]

        def change():
            b.recv(1, pysock.MSG_PEEK)
            buffers.clear()
            try:
                first.clear()
            except BufferError:
                pass

        late = threading.Thread(target=change)
        late.start()
        with drained(b, after=0.1) as came:
            a.sendmsg_all(buffers)
            late.join()
            a.shutdown(pysock.SHUT_WR)
        assert came == data
        assert not buffers


if sys.version_info >= (3, 12):  # where Python code can be a buffer

    @pytest.mark.parametrize("count", [1, 100])
    def test_a_buffer_that_changes_the_list_and_closes_the_socket(pysock, pair, count):
        a, b = pair

        class Hostile:
            def __buffer__(self, flags):
                buffers.clear()
                if closes:
                    a.close()
                return memoryview(b"hostile")

        for closes in (False, True):
            buffers = [bytearray(b"ab"), Hostile()] * count
            if not closes:
                a.sendmsg_all(buffers)
                assert b.recv(10_000) == b"abhostile" * count
            else:
                with pytest.raises(OSError) as caught:
                    a.sendmsg_all(buffers)
                assert (caught.value.errno, caught.value.bytes_sent) == (9, 0)
                assert b.recv(10_000) == b""


class Buffer(bytearray):
    """Can be referred to weakly."""


@pytest.mark.parametrize("count", [3, 100, 3000])
def test_buffers_are_given_back_whatever_happens(pysock, count):
    with stream(pysock, small=True) as (a, b):
        buffers = [Buffer(1000) for _ in range(count)] + [b"".join([b"some ", b"bytes"])]
        buffers[0][:] = bytes(1_000_000)
        references = [sys.getrefcount(buffer) for buffer in buffers]
        caught = []
        for wrong in ({"timeout": 0.01}, {"timeout": 0}, {"timeout": -1}):
            with pytest.raises((TimeoutError, ValueError)) as error:
                a.sendmsg_all(buffers, **wrong)
            caught.append(error.value)
        for wrong in (5, memoryview(b"abcd")[::2]):
            with pytest.raises((TypeError, BufferError)) as error:
                a.sendmsg_all([*buffers, wrong])
            caught.append(error.value)
        for buffer in buffers[:-1]:
            buffer.append(1)  # refused while anything holds it
        b.close()
        with pytest.raises(OSError) as error:
            a.sendmsg_all(buffers)
        del error, caught, buffer
        gc.collect()
        assert [sys.getrefcount(buffer) for buffer in buffers] == references
        alive = weakref.ref(buffers[0])
        buffers.clear()
        assert alive() is None


# Other sockets


@pytest.mark.parametrize("mode", [None, 0, 30])
def test_streams_of_another_family(pysock, mode):
    """Behind an object that names a family which the C backend leaves alone."""
    with stream(pysock, small=True) as (a, b):
        other = pysock.socket(pysock.AF_PACKET, pysock.SOCK_STREAM, 0, fileno=a.detach())
        data = os.urandom(300_000)
        with other:
            other.settimeout(mode)
            with drained(b, after=0.05) as came:
                other.sendmsg_all([data[:7], data[7:], b""], timeout=30)
                if mode != 0:
                    other.sendall(data)
                other.shutdown(pysock.SHUT_WR)
            assert came == (data if mode == 0 else data * 2)
            assert other.gettimeout() == mode
    with stream(pysock, small=True) as (a, b):
        other = pysock.socket(pysock.AF_PACKET, pysock.SOCK_STREAM, 0, fileno=a.detach())
        with other:
            other.settimeout(0.02)
            for call in (lambda: other.sendmsg_all([data]), lambda: other.sendall(data)):
                with pytest.raises(TimeoutError) as caught:
                    call()
                assert caught.value.bytes_sent == len(b.recv(300_000))


@pytest.mark.parametrize("mode", [None, 0, 30])
def test_a_class_with_a_send_of_its_own_is_asked_by_that(pysock, mode):
    with stream(pysock, small=True) as (a, b), flipped(pysock)(fileno=a.detach()) as own:
        own.settimeout(mode)
        data = os.urandom(100_000)
        with drained(b, after=0.05) as came:
            own.sendmsg_all([data[:10], data[10:]], timeout=30)
            own.shutdown(pysock.SHUT_WR)
        assert bytes(255 - x for x in came) == data
        assert own.gettimeout() == mode
    with stream(pysock, small=True) as (a, b), flipped(pysock)(fileno=a.detach()) as own:
        with pytest.raises(TimeoutError) as caught:
            own.sendmsg_all([data], timeout=0.05)
        assert caught.value.bytes_sent == len(b.recv(100_000))


def test_tls(pysock):
    """Not a byte of it in the clear."""
    with tls(pysock) as (ours, theirs):
        pieces = [os.urandom(i) for i in range(500)]
        data = b"".join(pieces)
        came = bytearray()

        def receive():
            while len(came) < len(data):
                came.extend(theirs.recv(100_000))

        receiver = threading.Thread(target=receive)
        receiver.start()
        ours.sendmsg_all(pieces)
        receiver.join()
        assert came == data
