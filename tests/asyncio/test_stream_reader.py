"""StreamReader of a server in C: each read is that of asyncio's own reader."""

import asyncio
import random

import pytest
from support.loops import outcome, run


async def serve(loop, handle, make=None, limit=100, chunks=(), pause=0.0, eof=True):
    """The result of *handle*, called with the reader and the writer of a server's connection."""
    ended = loop.create_future()

    async def connected(reader, writer):
        try:
            ended.set_result(await handle(reader, writer))
        except (Exception, asyncio.CancelledError) as error:
            ended.set_exception(error)
        finally:
            writer.close()

    if make is None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=limit)
    else:
        server = await loop.create_server(lambda: make(connected), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            for chunk in chunks:
                writer.write(chunk)
                await asyncio.sleep(pause)
            if eof:
                writer.write_eof()
            return await ended
        finally:
            writer.close()
            await asyncio.sleep(0.002)


class Paused:
    """A transport that says what it was asked for."""

    def __init__(self, reader):
        self.calls = []
        reader.set_transport(self)

    def pause_reading(self):
        self.calls.append("pause")

    def resume_reading(self):
        self.calls.append("resume")


CLASSES = {}


async def reader_of(loop, limit):
    """A reader of the class that a server of *loop* gives a connection; the test feeds it."""

    async def handle(reader, writer):
        return type(reader)

    if type(loop) not in CLASSES:
        CLASSES[type(loop)] = await serve(loop, handle)
    return CLASSES[type(loop)](limit, loop)


async def attempt(coroutine):
    try:
        return await asyncio.wait_for(coroutine, 1)
    except (Exception, asyncio.CancelledError) as error:
        details = getattr(error, "partial", None), getattr(error, "consumed", None)
        return type(error), str(error), details


CALLS = [
    ("read", ()),
    ("read", (1,)),
    ("read", (0,)),
    ("read", (7,)),
    ("read", (1000,)),
    ("read", (True,)),
    ("readexactly", (0,)),
    ("readexactly", (1,)),
    ("readexactly", (30,)),
    ("readexactly", (-1,)),
    ("readexactly", (150,)),
    ("readline", ()),
    ("readuntil", ()),
    ("readuntil", (b"",)),
    ("readuntil", (b"ab",)),
    ("readuntil", (b"aab",)),
    ("readuntil", (bytearray(b"ba"),)),
    ("__anext__", ()),
    ("at_eof", ()),
]


def told(reader, transport):
    return bytes(reader._buffer), reader.at_eof(), reader._paused, list(transport.calls)


async def history(loop, seed, limit):
    """What a random course of feeding and reading shows."""
    chance = random.Random(seed)
    reader = await reader_of(loop, limit)
    transport = Paused(reader)
    shown, task = [], None
    for _ in range(60):
        if chance.random() < 0.5 and not reader._eof:
            size = chance.choice([0, 1, 2, 5, 20, 90])
            reader.feed_data(bytes(chance.choices(b"aaab\n", [4, 4, 4, 4, 1], k=size)))
        elif chance.random() < 0.02:
            reader.feed_eof()
        if task is None:
            name, arguments = chance.choice(CALLS)
            if name == "at_eof":
                shown.append(reader.at_eof())
                continue
            task = asyncio.ensure_future(getattr(reader, name)(*arguments))
        if chance.random() < 0.05:
            task.cancel()
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        if task.done():
            shown.append((name, arguments, await attempt(task)))
            task = None
        shown.append(told(reader, transport))
    if not reader._eof:
        reader.feed_eof()
    if task is not None:
        shown.append((name, arguments, await attempt(task)))
    shown.append((await attempt(reader.read()), reader.at_eof()))
    return shown


@pytest.mark.parametrize("limit", [1, 10, 50, 1000])
def test_random_courses(any_loop, plain_loop, limit):
    for seed in range(60):
        expected = run(plain_loop, history(plain_loop, seed, limit))
        assert run(any_loop, history(any_loop, seed, limit)) == expected, seed


@pytest.mark.parametrize("limit", [20, 5000])
def test_a_stream_in_random_pieces(any_loop, limit):
    chance = random.Random(limit)
    data = b"".join(
        bytes(chance.choices(b"abc", k=chance.randrange(15))) + b"\n" for _ in range(400)
    )
    cuts = sorted(chance.sample(range(len(data)), 60))
    chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    async def lines(reader, writer):
        return b"".join([line async for line in reader])

    async def parts(reader, writer):
        received = b""
        while not reader.at_eof():
            received += await reader.read(chance.randrange(1, 50))
            if len(received) % 3 == 0 and len(data) - len(received) > 40:
                received += await reader.readexactly(40)
            if len(received) % 3 == 1 and received != data:
                received += await reader.readuntil(b"\n")
        return received

    for handle in (lines, parts):
        assert run(any_loop, serve(any_loop, handle, chunks=chunks, limit=limit)) == data


def test_the_transport_is_paused_and_resumed(any_loop):
    """A megabyte that nobody reads stays with the sender."""
    data = random.Random(1).randbytes(1 << 20)

    async def handle(reader, writer):
        await asyncio.sleep(0.05)
        assert reader._paused
        assert len(reader._buffer) < 1 << 19
        first = await reader.readexactly(700_000)
        return first + await reader.read()

    assert run(any_loop, serve(any_loop, handle, chunks=[data])) == data


@pytest.mark.parametrize(
    "name, arguments", [call for call in CALLS[:-1] if call[1] not in ((0,), (-1,))]
)
def test_two_readers_at_once(any_loop, plain_loop, name, arguments):
    async def main(loop):
        reader = await reader_of(loop, 100)
        first = asyncio.ensure_future(reader.read(5))
        await asyncio.sleep(0)
        second = await attempt(getattr(reader, name)(*arguments))
        reader.feed_data(b"data")
        return second, await first

    expected = run(plain_loop, main(plain_loop))
    assert run(any_loop, main(any_loop)) == expected
    assert expected[0][0] in (RuntimeError, ValueError)


@pytest.mark.parametrize("name, arguments", CALLS[:-1])
@pytest.mark.parametrize("before", [b"", b"a", b"aab\n" * 20], ids=len)
@pytest.mark.parametrize("waits", [True, False])
def test_an_error_of_the_stream(any_loop, plain_loop, name, arguments, before, waits):
    """A read that waits gets what came before the error; one that begins then gets the error."""

    async def main(loop):
        reader = await reader_of(loop, 100)
        task = asyncio.ensure_future(getattr(reader, name)(*arguments))
        if waits:
            await asyncio.sleep(0)
        reader.feed_data(before)
        reader.set_exception(ConnectionResetError("gone"))
        await asyncio.sleep(0.001)
        is_stuck = not task.done()
        if is_stuck:
            task.cancel()
        return is_stuck, await attempt(task), bytes(reader._buffer), str(reader.exception())

    is_stuck, *expected = run(plain_loop, main(plain_loop))
    found_stuck, *found = run(any_loop, main(any_loop))
    if is_stuck and not found_stuck:  # where asyncio waits for ever, the error is better
        assert found[0][0] is ConnectionResetError
    else:
        assert (found_stuck, found) == (is_stuck, expected)


@pytest.mark.parametrize("name, arguments", CALLS[:-1])
def test_the_end_while_a_read_waits(any_loop, plain_loop, name, arguments):
    async def main(loop, before):
        reader = await reader_of(loop, 100)
        task = asyncio.ensure_future(getattr(reader, name)(*arguments))
        await asyncio.sleep(0)
        reader.feed_data(before)
        await asyncio.sleep(0)
        reader.feed_eof()
        return await attempt(task), reader.at_eof(), bytes(reader._buffer)

    for before in (b"", b"a", b"aab", b"ba\nx"):
        expected = run(plain_loop, main(plain_loop, before))
        assert run(any_loop, main(any_loop, before)) == expected


def test_data_after_the_end(any_loop, plain_loop):
    async def main(loop):
        reader = await reader_of(loop, 100)
        reader.feed_eof()
        reader.feed_data(b"x")

    expected = outcome(plain_loop, main(plain_loop))
    assert outcome(any_loop, main(any_loop)) == expected
    assert expected == (AssertionError, "feed_data after feed_eof")


def test_a_transport_that_cannot_be_paused(any_loop):
    async def main():
        reader = await reader_of(any_loop, 10)
        transport = Paused(reader)

        def pause_reading():
            transport.calls.append("asked")
            raise NotImplementedError

        transport.pause_reading = pause_reading
        reader.feed_data(b"x" * 30)
        reader.feed_data(b"x" * 30)
        assert await reader.read(100) == b"x" * 60
        assert transport.calls == ["asked"]

    run(any_loop, main())


@pytest.mark.parametrize(
    "data",
    [b"x", bytearray(b"x"), memoryview(b"x"), "x", None],
    ids=lambda data: type(data).__name__,
)
def test_what_is_fed(any_loop, plain_loop, data):
    async def main(loop):
        reader = await reader_of(loop, 10)
        reader.feed_data(data)
        return await asyncio.wait_for(reader.read(5), 0.01)

    assert outcome(any_loop, main(any_loop)) == outcome(plain_loop, main(plain_loop))


def test_a_reader_of_somebody_is_not_replaced(any_loop):
    readers = []

    def make(connected):
        readers.append(asyncio.StreamReader(loop=any_loop))
        return asyncio.StreamReaderProtocol(readers[-1], connected, loop=any_loop)

    async def handle(reader, writer):
        assert reader is readers[0]
        return await reader.readexactly(4)

    assert run(any_loop, serve(any_loop, handle, make, chunks=[b"data"])) == b"data"


class Shouting(asyncio.StreamReader):
    """A reader of somebody's own."""

    async def read(self, n=-1):
        return (await super().read(n)).upper()

    def feed_data(self, data):
        super().feed_data(data + b"!")


def test_a_subclass_is_asked(any_loop):
    def make(connected):
        return asyncio.StreamReaderProtocol(Shouting(loop=any_loop), connected, loop=any_loop)

    async def handle(reader, writer):
        assert type(reader) is Shouting
        return await reader.read(100)

    assert run(any_loop, serve(any_loop, handle, make, chunks=[b"data"])) == b"DATA!"


def test_a_subclass_of_the_own_reader_is_asked(any_loop):
    """A program takes the class of the reader that it is given."""

    async def main():
        class Loud(type(await reader_of(any_loop, 10))):
            async def readuntil(self, separator=b"\n"):
                return (await super().readuntil(separator)).upper()

        reader = Loud(100, any_loop)
        reader.feed_data(b"a line\nmore")
        reader.feed_eof()
        return await reader.readline(), await reader.read()

    assert run(any_loop, main()) == (b"A LINE\n", b"more")


@pytest.mark.parametrize("name", ["read", "readexactly", "readuntil", "readline", "feed_data"])
def test_a_patched_method_is_asked(any_loop, monkeypatch, name):
    called = []
    original = getattr(asyncio.StreamReader, name)

    def patched(self, *arguments):
        called.append(name)
        return original(self, *arguments)

    monkeypatch.setattr(asyncio.StreamReader, name, patched)

    async def handle(reader, writer):
        return await reader.readline() + await reader.readexactly(4) + await reader.read(4)

    chunks = [b"a line\n", b"four", b"last"]
    assert run(any_loop, serve(any_loop, handle, chunks=chunks)) == b"".join(chunks)
    assert called


def test_a_buffer_that_is_replaced(any_loop):
    """Nobody should; it does no harm to memory."""

    async def main():
        for buffer in (b"bytes", memoryview(b"bytes"), [1, 2], None):
            for name, arguments in CALLS[:-1]:
                reader = await reader_of(any_loop, 10)
                task = asyncio.ensure_future(getattr(reader, name)(*arguments))
                await asyncio.sleep(0)
                reader._buffer = buffer
                if reader._waiter is not None:
                    reader._waiter.set_result(None)
                await asyncio.wait([task], timeout=0.001)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    run(any_loop, main())
