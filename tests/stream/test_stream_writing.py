"""Stream: writing. Each byte is sent once, or kept to be sent, or not taken, and one can tell."""

import contextlib
import io
import signal
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.streams import KINDS, connection, pieces_until_closed

SIZE = 16384  # the smallest buffer there is


def numbered(count):
    """So many bytes, no two stretches of them alike."""
    return b"".join(i.to_bytes(4, "big") for i in range(count // 4 + 1))[:count]


def drain(sock):
    """What is there to be received."""
    sock.setblocking(False)
    got = b""
    try:
        while piece := sock.recv(1 << 20):
            got += piece
    except OSError:  # BlockingIOError, or what TLS says for it
        pass
    sock.setblocking(True)
    return got


@pytest.mark.parametrize("kind", KINDS)
def test_little_waits_for_flush(pysock, kind):
    with connection(pysock, kind) as (a, b), pysock.Stream(b) as stream:
        assert stream.write(b"one ") == 4
        assert stream.write(bytearray(b"two ")) == 4
        stream.writelines([b"th", memoryview(b"ree"), b""])
        assert drain(a) == b""
        stream.flush()
        assert drain(a) == b"one two three"
        stream.flush()
        assert stream.write(b"") == 0
        assert drain(a) == b""


@pytest.mark.parametrize("kind", KINDS)
def test_much_goes_out_in_order_and_close_sends_the_rest(pysock, kind):
    data = numbered(300_000)
    with connection(pysock, kind) as (a, b):
        got = []
        reader = threading.Thread(target=lambda: got.extend(pieces_until_closed(a)))
        reader.start()
        with pysock.Stream(b, buffer_size=SIZE) as stream:
            at = 0
            for size in (10, 20_000, 0, SIZE, SIZE - 1, 1, 100_000, 3, 200_000):
                assert stream.write(data[at : at + size]) == len(data[at : at + size])
                at += size
        reader.join()
        assert b"".join(got) == data
        assert b.fileno() == -1


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(0, 40_000), min_size=1, max_size=12),
    drains=st.lists(st.booleans(), min_size=1, max_size=12),
)
def test_no_byte_is_lost_or_doubled_when_the_peer_stalls(pysock, kind, sizes, drains):
    """Timeouts at every place; after each the caller writes what was not taken, and no more."""
    data = numbered(sum(sizes))
    got = b""
    with connection(pysock, kind) as (a, b):
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
        with pysock.Stream(b, buffer_size=SIZE) as stream:
            at, turns = 0, 0
            for size in sizes:
                end = at + size
                while at < end:
                    try:
                        at += stream.write(data[at:end], timeout=0)
                    except TimeoutError as error:
                        assert 0 <= error.characters_written < end - at
                        at += error.characters_written
                        got += drain(a)
                    turns += 1
                    if drains[turns % len(drains)]:
                        got += drain(a)
            while True:
                try:
                    stream.flush(timeout=0)
                except TimeoutError:
                    got += drain(a)
                else:
                    break
            got += drain(a)
            assert got == data


def test_a_non_blocking_socket_takes_what_there_is_room_for(pysock, pair):
    a, b = pair
    b.setblocking(False)
    data = numbered(1 << 21)
    with pysock.Stream(b, buffer_size=SIZE) as stream:
        with pytest.raises(BlockingIOError) as caught:
            stream.write(data)
        taken = caught.value.characters_written
        assert SIZE < taken < len(data)
        with pytest.raises(BlockingIOError) as caught:
            stream.write(b"x")
        assert caught.value.characters_written == 0
        with pytest.raises(BlockingIOError):
            stream.flush()
        got = drain(a)
        stream.flush()
        assert got + drain(a) == data[:taken]


def test_writelines_tells_how_much_of_all_was_taken(pysock, pair):
    a, b = pair
    lines = [numbered(5000)] * 1000
    with pysock.Stream(b, buffer_size=SIZE) as stream:
        with pytest.raises(TimeoutError) as caught:
            stream.writelines(iter(lines), timeout=0.01)
        taken = caught.value.characters_written
        got = drain(a)
        stream.flush()
        assert got + drain(a) == b"".join(lines)[:taken]


@contextlib.contextmanager
def taken_to_the_end(sock):
    """A thread receives all that comes; the list of it is whole when the block has ended."""
    got = []
    taker = threading.Thread(target=lambda: got.extend(iter(lambda: sock.recv(65536), b"")))
    taker.start()
    yield got
    taker.join()


class Refusing(Exception):
    """An exception that takes no attributes of others."""

    def __setattr__(self, name, value):
        if not name.startswith("__"):  # contextlib puts the traceback back
            raise ValueError("no attributes")
        super().__setattr__(name, value)


def interrupted(call, error):
    """The exception that *call* ends in, when a signal's handler raises *error*."""

    def handler(*_):
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(type(error)) as caught:
            call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return caught.value


def test_writelines_tells_it_after_a_handler_too(pysock, pair):
    a, b = pair
    data = numbered(3_000_000)
    stream = pysock.Stream(b)
    lines = [data[i : i + 50_000] for i in range(0, len(data), 50_000)]
    error = interrupted(lambda: stream.writelines(lines), ZeroDivisionError())
    with taken_to_the_end(a) as got:
        stream.write(data[error.characters_written :])
        stream.close()
    assert b"".join(got) == data


def test_an_exception_that_refuses_attributes_passes_as_it_is(pysock, pair):
    a, b = pair
    stream = pysock.Stream(b)
    error = Refusing()
    assert interrupted(lambda: stream.write(bytes(3_000_000)), error) is error
    assert error.characters_written > 0
    with taken_to_the_end(a):
        stream.close()


def test_a_writer_whose_turn_never_came_has_written_nothing(pysock, pair):
    a, b = pair
    stream = pysock.Stream(b)
    writer = threading.Thread(target=stream.write, args=(bytes(3_000_000),))
    writer.start()
    time.sleep(0.1)
    with pytest.raises(TimeoutError) as caught:
        stream.write(b"hello", timeout=0.1)
    assert caught.value.characters_written == 0
    with taken_to_the_end(a):
        writer.join()
        stream.close()


def test_what_cannot_be_written(pysock, pair):
    a, b = pair
    with pysock.Stream(b) as stream:
        stream.write(b"kept")
        for bad in ("text", 3, None, [b"x"]):
            with pytest.raises(TypeError):
                stream.write(bad)
        with pytest.raises((BufferError, TypeError)):
            stream.write(memoryview(b"abcdef")[::2])
        with pytest.raises(TypeError):
            stream.writelines([b" and this", 3])
        stream.flush()
        assert drain(a) == b"kept and this"


def test_a_peer_that_is_gone(pysock, pair):
    a, b = pair
    a.close()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        with pysock.Stream(b) as stream:
            stream.write(b"for nobody")
    assert stream.closed and b.fileno() == -1


def test_one_deadline_for_a_write_that_goes_out_in_drops(pysock):
    a, b = pysock.socketpair()
    with a, b:
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
        over = threading.Event()

        def trickle():
            while not over.wait(0.01):
                a.recv(200)

        reader = threading.Thread(target=trickle)
        reader.start()
        stream = pysock.Stream(b)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            stream.write(bytes(10_000_000), timeout=0.3)
        spent = time.monotonic() - begun
        over.set()
        reader.join()
        assert 0.3 <= spent < 3
        a.close()
        with pytest.raises(OSError):
            stream.close()


def test_a_handler_that_raises_in_the_middle(pysock, pair):
    a, b = pair
    data = numbered(1 << 21)

    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        stream = pysock.Stream(b, buffer_size=SIZE)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError) as caught:
            stream.write(data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    taken = caught.value.characters_written
    got = bytearray()

    def read():
        while piece := a.recv(65536):
            got.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    stream.write(data[taken:])
    stream.close()
    reader.join()
    assert got == data


def test_what_is_dropped_unsent_is_said(pysock, pair):
    _, b = pair
    stream = pysock.Stream(b)
    stream.write(b"abc")
    with pytest.warns(ResourceWarning, match="3 bytes written and not sent"):
        del stream
    with b:
        pass


def test_two_threads_write_one_after_the_other(pysock, pair):
    a, b = pair
    b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
    blocks = [bytes([i]) * 100_000 for i in range(6)]
    with pysock.Stream(b, buffer_size=SIZE) as stream:
        writers = [threading.Thread(target=stream.write, args=(block,)) for block in blocks]
        got = bytearray()

        def read():
            while len(got) < 600_000:
                got.extend(a.recv(65536))

        reader = threading.Thread(target=read)
        reader.start()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        stream.flush()
        reader.join()
    whole = [bytes(got[i : i + 100_000]) for i in range(0, 600_000, 100_000)]
    assert sorted(whole) == blocks


def test_buffered_writer_of_io_gives_the_same_bytes(pysock, pair):
    a, b = pair
    oracle_target = io.BytesIO()
    oracle = io.BufferedWriter(oracle_target, SIZE)
    with pysock.Stream(b, buffer_size=SIZE) as stream:
        for size in (1, SIZE - 1, 1, SIZE, SIZE + 1, 5):
            data = numbered(size)
            assert stream.write(data) == oracle.write(data)
        stream.flush()
        oracle.flush()
        assert drain(a) == oracle_target.getvalue()
