"""Stream: what signals and other threads do in the middle of a call."""

import os
import signal
import threading
import time

import pytest
from support.streams import KINDS, connection, pieces_until_closed


@pytest.fixture
def alarms():
    """Run a handler every few milliseconds; the list tells how often it ran."""
    ran = []
    before = signal.signal(signal.SIGALRM, lambda *_: ran.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
    yield ran
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "name", ["readline", "readexactly", "readuntil", "read", "readinto_exactly"]
)
@pytest.mark.parametrize("size", [6, 200_000])
def test_a_handler_that_raises_loses_nothing(pysock, pair, name, size):
    a, b = pair
    file = pysock.Stream(b, limit=size)
    first, second = b"a" * (size // 2), b"b" * (size // 2 - 1) + b"\n"

    def call(n):
        if name == "readinto_exactly":
            room = bytearray(n)
            file.readinto_exactly(room)
            return bytes(room)
        return getattr(file, name)(*((n,) if name in ("read", "readexactly") else ()))

    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        a.sendall(first)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError):
            call(size)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    sender = threading.Thread(target=a.sendall, args=(second,))
    sender.start()
    file.sock.settimeout(10)
    assert call(size) == first + second
    sender.join()


def test_a_handler_that_raises_in_a_flush_sends_nothing_twice(pysock, pair):
    """A send that waits for room has often sent a part when the signal comes."""
    a, b = pair
    b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
    stream = pysock.Stream(b)
    data, got, broken = os.urandom(60_000), b"", 0

    def handler(*_):
        raise ZeroDivisionError

    stream.write(data)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        while len(got) < len(data):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                stream.flush()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except ZeroDivisionError:
                broken += 1
            got += a.recv(len(data))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert got == data and broken > 1
    stream.close()


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_storm_of_signals(pysock, stream, alarms, timeout):
    a, file = stream
    file.sock.settimeout(timeout)
    lines = [os.urandom(3).hex().encode() * (i % 400) + b"\n" for i in range(500)]

    def send():
        for i, line in enumerate(lines):
            a.sendall(line)
            if i % 25 == 0:
                time.sleep(0.005)
        a.shutdown(pysock.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    assert file.readlines() == lines
    sender.join()
    assert len(alarms) > 3


def test_a_handler_cannot_break_into_the_call_of_its_thread(pysock, stream):
    _, file = stream
    raised = []

    def handler(*_):
        try:
            file.readline(timeout=0)
        except RuntimeError as error:
            raised.append(error)
            raise ZeroDivisionError from error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError):
            file.readline()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert "reentrant" in str(raised[0])


def test_handlers_that_raise_leave_the_turn_to_the_next_call(pysock, stream):
    """Wherever in a call they do so, taking its turn and ending it included."""
    a, file = stream
    a.sendall(b"there\n")
    assert file.peek() == b"there\n"

    def handler(*_):
        raise ZeroDivisionError

    broken = 0
    before = signal.signal(signal.SIGALRM, handler)
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00005)
                for _ in range(20):
                    assert file.peek(timeout=0.5) == b"there\n"
                signal.setitimer(signal.ITIMER_REAL, 0)
            except ZeroDivisionError:
                broken += 1
    finally:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
                break
            except ZeroDivisionError:
                pass
    assert broken > 10
    reader = threading.Thread(target=file.readline)  # the turn is no thread's
    reader.start()
    reader.join(10)
    assert not reader.is_alive()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_and_a_writer_with_times_of_their_own_leave_the_sockets(pysock, kind):
    """A method that waits by itself knows but the socket's timeout: both borrow it."""
    with connection(pysock, kind) as (a, b):
        stream = pysock.Stream(b)

        def read():
            with pytest.raises(TimeoutError):
                stream.read(10, timeout=0.4)

        for own in (30.0, None):
            b.settimeout(own)
            reader = threading.Thread(target=read)
            reader.start()
            time.sleep(0.1)
            with pytest.raises(TimeoutError):
                stream.write(bytes(5_000_000), timeout=0.8)  # nobody takes it
            reader.join()
            assert b.gettimeout() == own
        sender = threading.Timer(0.6, a.sendall, (b"late",))
        sender.start()
        assert stream.read(4) == b"late"
        sender.join()
        taker = threading.Thread(target=lambda: all(pieces_until_closed(a)))
        taker.start()
        stream.close()
        taker.join()


def test_the_second_reader_waits_for_the_first(pysock, stream):
    a, file = stream
    got, waiting = [], threading.Barrier(3)

    def read():
        waiting.wait()
        got.append(file.readexactly(1000))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    waiting.wait()
    for i in range(200):
        a.sendall(bytes([i // 100]) * 10)
    for reader in readers:
        reader.join()
    assert sorted(got) == [bytes(1000), b"\1" * 1000]


def test_the_second_readers_patience_is_its_own(pysock, stream):
    a, file = stream
    reader = threading.Thread(target=file.readline)
    reader.start()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        file.readline(deadline=begun + 0.1)
    assert 0.1 <= time.monotonic() - begun < 5
    a.sendall(b"for the thread\n")
    reader.join()


def test_one_thread_reads_while_another_writes(pysock, pair):
    a, b = pair
    data = os.urandom(2_000_000)
    back = []

    def echo():
        while piece := a.recv(65536):
            a.sendall(piece)

    with pysock.Stream(b) as stream:
        reader = threading.Thread(target=lambda: back.append(stream.readexactly(len(data))))
        peer = threading.Thread(target=echo)
        reader.start()
        peer.start()
        stream.write(data)
        stream.flush()
        reader.join()
        b.shutdown(pysock.SHUT_WR)
        peer.join()
    assert back == [data]


@pytest.mark.parametrize("timeout", [None, 30])
def test_closed_by_another_thread(pysock, pair, timeout):
    """The wait is over when the connection is shut down; what came before is not lost with it."""
    a, b = pair
    b.settimeout(timeout)
    stream = pysock.Stream(b)
    a.sendall(b"part")
    timer = threading.Timer(0.1, b.shutdown, [pysock.SHUT_RDWR])
    timer.start()
    with pytest.raises(pysock.IncompleteReadError) as caught:
        stream.readexactly(9)
    timer.join()
    assert caught.value.partial == b"part"
    stream.close()
