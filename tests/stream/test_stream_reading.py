"""Stream: reading, against a model, against io's BufferedReader and asyncio's StreamReader."""

import asyncio
import io
import sys
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.streams import KINDS, connection

every = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

pieces = st.binary(max_size=40).map(
    lambda b: b.translate(bytes(b"\n\ra"[i % 3] for i in range(256)))
)
sizes = st.integers(0, 50)
separators = st.sampled_from([b"\n", b"\r\n", b"aa", (b"\n", b"\r\n"), (b"a\n", b"\n"), (b"\raa",)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), pieces),
        st.tuples(st.just("end")),
        st.tuples(st.sampled_from(["read", "readexactly", "read1", "readline"]), sizes),
        st.tuples(st.sampled_from(["readinto", "readinto1", "readinto_exactly"]), sizes),
        st.tuples(st.sampled_from(["read", "readline"]), st.sampled_from([-1, None])),
        st.tuples(st.just("readuntil"), separators),
        st.tuples(st.just("peek")),
        st.tuples(st.just("next")),
    ),
    max_size=30,
)


class Model:
    """What is sent and not yet read, and what each call must do with it."""

    def __init__(self, limit):
        self.data, self.ended, self.limit = b"", False, limit

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def read(self, size):
        if size is None or size < 0:
            return self.take(len(self.data)) if self.ended else TimeoutError
        if len(self.data) >= size or self.ended:
            return self.take(size)
        return TimeoutError

    readinto = read

    def readexactly(self, size):
        if len(self.data) >= size:
            return self.take(size)
        return ("incomplete", self.take(size)) if self.ended else TimeoutError

    readinto_exactly = readexactly

    def read1(self, size):
        """How much of it is there at once is the kernel's affair, and TLS's."""
        if size == 0:
            return b""
        return ("prefix", size) if self.data or self.ended else TimeoutError

    readinto1 = read1

    def peek(self):
        return self.read1(1 << 20)

    def readline(self, size):
        most = len(self.data) if size is None or size < 0 else size
        newline = self.data.find(b"\n", 0, most)
        if newline >= 0:
            return self.take(newline + 1)
        if size is not None and 0 <= size <= len(self.data):
            return self.take(size)
        return self.take(len(self.data)) if self.ended else TimeoutError

    def readuntil(self, separator):
        every = separator if isinstance(separator, tuple) else (separator,)
        found = [(self.data.find(one) + len(one), len(one)) for one in every if one in self.data]
        if found:
            end, size = min(found)
            return ("limit", end - size) if end - size > self.limit else self.take(end)
        searched = max(len(self.data) + 1 - max(map(len, every)), 0)
        if searched > self.limit:
            return ("limit", searched)
        return ("incomplete", self.take(len(self.data))) if self.ended else TimeoutError


def do(pysock, stream, step, timeout):
    """The step's outcome in the model's terms."""
    name, *argument = step
    try:
        if name.startswith("readinto"):
            room = bytearray(argument[0])
            count = getattr(stream, name)(room, timeout=timeout)
            return bytes(room[:count])
        return getattr(stream, name)(*argument, timeout=timeout)
    except TimeoutError:
        return TimeoutError
    except pysock.IncompleteReadError as error:
        return ("incomplete", error.partial)
    except pysock.LimitOverrunError as error:
        return ("limit", error.consumed)


@pytest.mark.parametrize("kind", KINDS)
@every
@given(steps=steps, limit=st.integers(1, 30), by_deadline=st.booleans())
@example(
    steps=[("feed", b"aa"), ("readexactly", 3), ("feed", b"a"), ("readexactly", 3)],
    limit=9,
    by_deadline=True,
)
def test_every_cut_of_the_stream(pysock, kind, steps, limit, by_deadline):
    """A call that has not all it wants raises at once, and takes nothing."""
    model = Model(limit)
    with connection(pysock, kind) as (a, b), pysock.Stream(b, limit=limit) as stream:
        b.settimeout(1 if by_deadline else None)
        for step in steps:
            if step[0] == "feed":
                if not model.ended and step[1]:
                    a.sendall(step[1])
                    model.data += step[1]
                continue
            if step[0] == "end":
                if not model.ended:
                    a.shutdown(pysock.SHUT_WR)
                    model.ended = True
                continue
            if step[0] == "next":
                step = ("readline", -1)
            expected = getattr(model, step[0])(*step[1:])
            got = do(pysock, stream, step, 0)
            if isinstance(expected, tuple) and expected[0] == "prefix":
                assert len(got) <= expected[1] and model.data.startswith(got)
                assert got or (model.ended and not model.data)
                if step[0] != "peek":
                    model.take(len(got))
            elif isinstance(expected, tuple) and expected[0] == "limit":
                # Of what was received: the rest may not have been asked for.
                assert got[0] == "limit" and limit < got[1] <= expected[1]
            else:
                assert got == expected


@every
@given(
    data=pieces,
    limit=st.integers(1, 12),
    separator=st.sampled_from([b"\n", b"\r\n", b"aa", b"aaa", b"\na\n"]),
    ended=st.booleans(),
)
def test_readuntil_as_in_asyncio(pysock, data, limit, separator, ended):
    async def theirs():
        reader = asyncio.StreamReader(limit=limit)
        reader.feed_data(data)
        if ended:
            reader.feed_eof()
        try:
            return await asyncio.wait_for(reader.readuntil(separator), 0.001)
        except asyncio.IncompleteReadError as error:
            return ("incomplete", error.partial)
        except asyncio.LimitOverrunError as error:
            return ("limit", error.consumed)
        except asyncio.TimeoutError:
            return TimeoutError

    with connection(pysock, "plain") as (a, b), pysock.Stream(b, limit=limit) as stream:
        a.sendall(data)
        if ended:
            a.close()
        assert do(pysock, stream, ("readuntil", separator), 0) == asyncio.run(theirs())


io_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["read", "readline"]), st.integers(-1, 60)),
        st.tuples(st.just("readinto"), sizes),
        st.tuples(st.just("readlines"), st.integers(-1, 30)),
        st.tuples(st.just("__next__")),
    ),
    max_size=12,
)


@every
@given(data=st.lists(pieces, max_size=6).map(b"".join), steps=io_steps)
def test_the_names_of_io_mean_what_they_mean_in_io(pysock, data, steps):
    def outcome(file, name, *argument):
        if name == "readinto":
            room = bytearray(*argument)
            return file.readinto(room), bytes(room)
        try:
            return getattr(file, name)(*argument)
        except StopIteration:
            return "end"

    with connection(pysock, "plain") as (a, b), pysock.Stream(b) as stream:
        oracle = io.BufferedReader(io.BytesIO(data))
        a.sendall(data)
        a.shutdown(pysock.SHUT_WR)
        for step in steps:
            assert outcome(stream, *step) == outcome(oracle, *step), step
        assert stream.read() == oracle.read()


@pytest.mark.parametrize("kind", KINDS)
def test_large_reads_are_whole_and_can_be_broken_off(pysock, kind):
    """Larger than the buffer: received where they stay, and put back when the time is over."""
    data = bytes(range(256)) * 2000
    with connection(pysock, kind) as (a, b), pysock.Stream(b, buffer_size=16384) as stream:
        a.settimeout(0.01)
        sent, room = 0, bytearray(len(data) - 1)
        while sent < len(data):
            try:
                sent += a.send(data[sent : sent + 50_000])
            except TimeoutError:
                with pytest.raises(TimeoutError):
                    stream.readexactly(len(data) - 1, timeout=0.01)
                with pytest.raises(TimeoutError):
                    stream.readinto_exactly(room, deadline=time.monotonic() + 0.01)
                with pytest.raises(TimeoutError):
                    stream.read(len(data), timeout=0)
        assert stream.readinto(room, timeout=9) == len(room)
        assert room == data[:-1]
        assert stream.readexactly(1) == data[-1:]
        a.sendall(data[:100])
        with pytest.raises(TimeoutError):
            stream.readexactly(len(data), timeout=0.01)
        a.shutdown(pysock.SHUT_WR)
        with pytest.raises(pysock.IncompleteReadError) as caught:
            stream.readexactly(len(data))
        assert (caught.value.partial, caught.value.expected) == (data[:100], len(data))
        assert stream.read(9) == stream.read1() == stream.peek() == stream.readline() == b""


def test_a_line_longer_than_any_buffer(pysock, pair):
    a, b = pair
    with pysock.Stream(b, buffer_size=1) as stream:
        for _ in range(3):
            line = b"x" * 70_000
            for _ in range(4):
                a.sendall(line)
                with pytest.raises(TimeoutError):
                    stream.readline(timeout=0)
            a.sendall(b"\nnext\n")
            assert stream.readline() == 4 * line + b"\n"
            assert stream.readline() == b"next\n"


def test_a_non_blocking_socket(pysock, pair):
    a, b = pair
    b.setblocking(False)
    with pysock.Stream(b) as stream:
        calls = [
            stream.readline,
            stream.read1,
            stream.peek,
            stream.readuntil,
            stream.read,
            lambda: stream.read(3),
            lambda: stream.readexactly(3),
            lambda: stream.readinto(bytearray(3)),
            lambda: stream.readinto1(bytearray(3)),
            lambda: stream.readinto_exactly(bytearray(3)),
            lambda: next(stream),
        ]
        for call in calls:
            with pytest.raises(BlockingIOError):
                call()
        a.sendall(b"ab")
        for call in (stream.readline, stream.readuntil, calls[6], calls[9]):
            with pytest.raises(BlockingIOError):
                call()
        with pytest.raises(TimeoutError):
            stream.readexactly(3, timeout=0.01)
        assert stream.read(3) == b"ab"  # what there is, as a BufferedReader gives it
        a.sendall(b"cd")
        room = bytearray(3)
        assert (stream.readinto(room), room) == (2, b"cd\0")
        a.sendall(b"ef")
        assert stream.read() == b"ef"


def test_zero_bytes_are_read_without_waiting(pysock, pair):
    _, b = pair
    with pysock.Stream(b) as stream:
        assert (
            stream.read(0) == stream.read1(0) == stream.readexactly(0) == stream.readline(0) == b""
        )
        assert stream.readinto(bytearray()) == stream.readinto1(bytearray()) == 0
        assert stream.readinto_exactly(bytearray()) == 0


@pytest.mark.parametrize("method", ["readinto", "readinto1", "readinto_exactly"])
def test_what_cannot_be_read_into(pysock, pair, method):
    _, b = pair
    with pysock.Stream(b) as stream:
        for bad in (b"abc", memoryview(b"abc"), "abc", 3, None, memoryview(bytearray(9))[::2]):
            with pytest.raises(TypeError):
                getattr(stream, method)(bad)


def test_a_view_of_wider_items_is_filled_as_bytes(pysock, pair):
    import array

    a, b = pair
    room = array.array("I", [0, 0])
    a.sendall(bytes(8 * [1]))
    with pysock.Stream(b) as stream:
        assert stream.readinto(room) == 8
    assert room.tolist() == [0x01010101] * 2


@pytest.mark.parametrize("bad", ["3", 2.5, b"3"])
def test_sizes_that_are_none(pysock, pair, bad):
    _, b = pair
    with pysock.Stream(b) as stream:
        for method in (stream.read, stream.read1, stream.readline, stream.readexactly):
            with pytest.raises(TypeError):
                method(bad)
        with pytest.raises(ValueError, match="less than zero"):
            stream.readexactly(-1)
        for method in (stream.read, stream.readexactly):
            with pytest.raises(OverflowError):
                method(1 << 70)
            if pysock.BACKEND == "c" and sys.maxsize > 1 << 32:  # with 32 bits it may be there
                with pytest.raises(MemoryError):
                    method(sys.maxsize // 2)


def test_separators_that_are_none(pysock, pair):
    _, b = pair
    with pysock.Stream(b) as stream:
        for bad in (b"", (), (b"\n", b"")):
            with pytest.raises(ValueError):
                stream.readuntil(bad)
        for bad in ("\n", 3, None, ["\n"], (3,)):
            with pytest.raises(TypeError):
                stream.readuntil(bad)


def test_timeouts_that_are_none(pysock, pair):
    _, b = pair
    with pysock.Stream(b) as stream:
        for bad in (-1, -0.001, float("nan")):
            with pytest.raises(ValueError):
                stream.readline(timeout=bad)
        with pytest.raises(TypeError):
            stream.readline(timeout="1")
        with pytest.raises(TypeError):
            stream.readline(timeout=1, deadline=1.0)
        with pytest.raises(TypeError):
            stream.readline(timeout=None, deadline=1.0)
        with pytest.raises(TimeoutError):
            stream.readline(deadline=-1e300)
