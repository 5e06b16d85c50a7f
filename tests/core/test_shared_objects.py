"""Threads that share a Stream, a DatagramBatch, a selector: what each gets is whole."""

import collections
import contextlib
import itertools
import selectors
import threading
import time

import pytest
from support.datagrams import udp
from support.threads import THREADS, each, is_one_byte, together, until

# One Stream

LINE = b"%07d 0123456789abcdefghijklmnopqrstuvwxyz\n"
LENGTH = len(LINE % 0)


def test_readers_of_one_stream(pysock, stream):
    """Whatever they read it by, each line comes whole, to one of them."""
    peer, stream = stream
    lines = [LINE % number for number in range(30_000)]
    got = [[] for _ in range(THREADS)]
    ways = [
        stream.readline,
        stream.readuntil,
        lambda: stream.read(LENGTH),
        lambda: stream.readexactly(LENGTH),
        lambda: stream.readline(LENGTH),
        lambda: bytes(buffer) if (stream.readinto(buffer := bytearray(LENGTH))) else b"",
    ]

    def read(number):
        with contextlib.suppress(pysock.IncompleteReadError):
            while line := ways[number]():
                got[number].append(line)

    def feed():
        peer.sendall(b"".join(lines))
        peer.shutdown(pysock.SHUT_WR)

    together(feed, *(lambda n=n: read(n) for n in range(THREADS)))
    assert sorted(itertools.chain(*got)) == lines


def test_writers_of_one_stream(pysock, stream):
    peer, stream = stream
    got = []

    def write(number):
        for turn in range(number, 3000, 4):
            stream.write(LINE % turn)
            if turn % 3 == 0:
                stream.flush()
        stream.flush()  # what this thread has written is sent by now, whoever sent it

    def receive():
        got.append(peer.recv_exactly(3000 * LENGTH))

    together(receive, *(lambda n=n: write(n) for n in range(4)))
    assert sorted(got[0].splitlines(True)) == [LINE % turn for turn in range(3000)]


def test_a_stream_is_detached_once(pysock):
    for _ in range(50):
        a, b = pysock.socketpair()
        with a, b:
            stream = pysock.Stream(b)
            given = []

            def detach(_, stream=stream, given=given):
                with contextlib.suppress(ValueError):
                    given.append(stream.detach())

            each(detach, 4)
            assert given == [b]
            repr(stream)


def test_a_stream_is_detached_under_its_readers(pysock):
    """A reader gets what it waits for, or is told that the stream has no socket any more."""
    for _ in range(30):
        a, b = pysock.socketpair()
        with a, b:
            b.settimeout(20)
            stream = pysock.Stream(b)
            ended = []

            def read(stream=stream, ended=ended):
                try:
                    with pytest.raises(ValueError):
                        while True:
                            stream.readline()
                finally:
                    ended.append(1)

            def detach(a=a, stream=stream, ended=ended):
                for _ in range(20):
                    a.sendall(LINE % 1)
                while stream.sock is not None:
                    with contextlib.suppress(ValueError):  # what is unread has to be read first
                        stream.detach()
                while len(ended) < 3:
                    a.sendall(LINE % 2)  # whoever waits goes on
                    time.sleep(0.001)

            together(detach, read, read, read)


# One batch


@pytest.mark.parametrize("gro", [False, True])
def test_one_batch_looked_at_while_it_receives(pysock, gro):
    """A datagram is whole, or gone; never half of this one and half of the next."""
    if pysock.BACKEND != "c":
        return  # Python code alone, which any other thread's may come between
    with udp(pysock, gro=gro, timeout=60) as (a, b):
        peer = b.getsockname()
        batch = pysock.DatagramBatch(4, 1000)
        over = threading.Event()
        seen = collections.Counter()

        def send():
            for turn in range(400):
                a.sendmmsg([bytes([turn % 250]) * (900 + turn % 50)] * 5, peer)

        def receive():
            try:
                while seen["received"] < 2000:
                    seen["received"] += batch.recv_into(b)
            finally:
                over.set()

        def look():
            try:
                for place in range(len(batch)):
                    datagram = batch[place]
                    data = bytes(datagram)
                    assert is_one_byte(data) and 900 <= len(data) < 950
                    assert datagram.address == a.getsockname()
                    assert not datagram.truncated and datagram.segment_size in (None, len(data))
                    repr(datagram)
                    datagram.data.release()
            except IndexError as error:
                assert "no such datagram" in str(error)
            except RuntimeError as error:
                assert "gone" in str(error)

        together(send, receive, *[lambda: until(over, look)] * 3)
        assert seen["received"] == 2000


def test_one_batch_is_one_threads_at_a_time(pysock):
    with udp(pysock, timeout=0.3) as (a, b):
        batch = pysock.DatagramBatch(4, 100)
        came = collections.Counter()
        a.sendmmsg([b"x" * 50] * 500, b.getsockname())

        def receive(number):
            deadline = time.monotonic() + 10
            with contextlib.suppress(TimeoutError):
                while time.monotonic() < deadline:
                    try:
                        came[number] += batch.recv_into(b)
                    except RuntimeError as error:
                        assert "in use" in str(error)

        each(receive, 4)
        assert 0 < sum(came.values()) <= 500  # a len() may be of another thread's batch
        with pytest.raises(TimeoutError):
            b.recv(100)


# One selector


def test_one_selector_in_many_threads(pysock):
    """Selected in some while others register: what comes is a key, of a socket that is ready."""
    cls = pysock.EpollSelector
    with cls() as selector, contextlib.ExitStack() as stack:
        over = threading.Event()
        pairs = [pysock.socketpair() for _ in range(4)]
        for a, b in pairs:
            stack.callback(a.close)
            stack.callback(b.close)
            a.send(b"ready")
        ready = {b.fileno(): b for _, b in pairs}
        selected = collections.Counter()

        def select():
            for key, events in selector.select(0.01):
                assert key.fileobj is ready[key.fd] and key.data == key.fd
                assert events == selectors.EVENT_READ
                selected[key.fd] += 1

        def register(number):
            sock = pairs[number][1]
            for _ in range(400):
                selector.register(sock, selectors.EVENT_READ, sock.fileno())
                selector.unregister(sock)
            selector.register(sock, selectors.EVENT_READ, sock.fileno())

        def all_registers():
            try:
                together(*(lambda n=n: register(n) for n in range(4)))
                for _ in range(10):
                    select()
            finally:
                over.set()

        together(all_registers, *[lambda: until(over, select)] * 3)
        assert set(selected) == set(ready)
