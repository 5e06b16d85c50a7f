"""`drain` of a server's StreamWriter does what that of asyncio does, whatever it finds."""

import asyncio
import inspect
import socket

import pytest
from support.loops import run


async def with_writer(loop, act):
    """What *act* returns or raises, given a server's reader and writer, and their peer."""
    ended = loop.create_future()

    async def serve(reader, writer):
        try:
            ended.set_result(await act(reader, writer, peer))
        except (Exception, asyncio.CancelledError) as error:
            ended.set_result((type(error), str(error)))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as peer:
        peer.setblocking(False)
        async with server:
            return await asyncio.wait_for(ended, 20)


async def drained(writer):
    """Whether `drain` ends without a turn of the loop."""
    task = asyncio.ensure_future(writer.drain())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return done


async def nothing_to_wait_for(reader, writer, peer):
    writer.write(b"x")
    return await drained(writer), await writer.drain()


async def a_full_buffer(reader, writer, peer):
    writer.transport.set_write_buffer_limits(1000)
    while not writer.transport.get_write_buffer_size():
        writer.write(bytes(100_000))
    before = await drained(writer)
    waiting = asyncio.ensure_future(writer.drain())
    while not waiting.done():
        while True:
            try:
                peer.recv(1 << 20)
            except BlockingIOError:
                break
        await asyncio.sleep(0.001)
    return before, waiting.result()


async def below_the_mark(reader, writer, peer):
    writer.transport.set_write_buffer_limits(1 << 30)
    while not writer.transport.get_write_buffer_size():
        writer.write(bytes(100_000))
    done = await drained(writer)
    writer.transport.abort()  # the peer never reads it
    return done


async def closed(reader, writer, peer):
    writer.close()
    return await writer.drain()


async def closed_a_while_ago(reader, writer, peer):
    writer.close()
    await writer.wait_closed()
    return await writer.drain()


async def aborted(reader, writer, peer):
    writer.transport.abort()
    await asyncio.sleep(0.01)
    return await writer.drain()


async def lost(reader, writer, peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    peer.close()
    await asyncio.sleep(0.05)
    return await writer.drain()


async def an_error_of_the_reader(reader, writer, peer):
    reader.set_exception(ValueError("of the reader"))
    return await writer.drain()


async def ended_by_the_peer(reader, writer, peer):
    peer.shutdown(socket.SHUT_WR)
    await reader.read()
    return await writer.drain()


async def no_reader(reader, writer, peer):
    writer._reader = None
    return await writer.drain()


async def paused_by_hand(reader, writer, peer):
    writer.transport.get_protocol().pause_writing()
    before = await drained(writer)
    writer.transport.get_protocol().resume_writing()
    return before, await drained(writer)


async def replaced_on_the_instances(reader, writer, peer):
    asked = []

    async def helper():
        asked.append("_drain_helper")

    writer.transport.get_protocol()._drain_helper = helper
    await writer.drain()
    writer.transport.is_closing = lambda: bool(asked.append("is_closing"))
    await writer.drain()
    del writer.transport.is_closing
    return asked


async def another_protocol(reader, writer, peer):
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    writer.transport.set_protocol(protocol)
    protocol.pause_writing()
    return await drained(writer)


CASES = [
    nothing_to_wait_for, a_full_buffer, below_the_mark, closed, closed_a_while_ago, aborted, lost,
    an_error_of_the_reader, ended_by_the_peer, no_reader, paused_by_hand, replaced_on_the_instances,
    another_protocol,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_drain(pysock, plain_loop, case):
    expected = run(plain_loop, with_writer(plain_loop, case))
    for coalesce_writes in (False, True):
        loop = pysock.EventLoop(coalesce_writes=coalesce_writes)
        try:
            assert run(loop, with_writer(loop, case)) == expected
        finally:
            loop.close()


def test_the_writer_is_of_the_same_kind(any_loop):
    async def look(reader, writer, peer):
        made = vars(writer.transport.get_protocol()).get("_stream_writer", writer)
        return isinstance(writer, asyncio.StreamWriter), made is writer, repr(writer)[:14]

    assert run(any_loop, with_writer(any_loop, look)) == (True, True, "<StreamWriter ")


def test_drain_is_a_coroutine_function(any_loop):
    async def look(reader, writer, peer):
        coroutine = writer.drain()
        coroutine.close()
        return inspect.iscoroutinefunction(writer.drain), inspect.iscoroutine(coroutine)

    assert run(any_loop, with_writer(any_loop, look)) == (True, True)


def test_a_writer_class_that_somebody_has_put_there(any_loop, monkeypatch):
    class Writer(asyncio.StreamWriter):
        pass

    monkeypatch.setattr(asyncio.streams, "StreamWriter", Writer)

    async def look(reader, writer, peer):
        return type(writer)

    assert run(any_loop, with_writer(any_loop, look)) is Writer


async def messages_of(loop, callback):
    """What the loop's exception handler is told when *callback* serves a connection."""
    messages = []
    loop.set_exception_handler(
        lambda _, context: messages.append(context["message"].partition("(")[0])
    )
    async with await asyncio.start_server(callback, "127.0.0.1", 0) as server:
        with socket.create_connection(server.sockets[0].getsockname()):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
    return messages


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_what_the_callback_raises(any_loop, plain_loop, is_coroutine):
    """asyncio's own protocol reports it."""

    def fails(reader, writer):
        writer.close()
        raise ValueError("in the callback")

    async def fails_later(reader, writer):
        fails(reader, writer)

    callback = fails_later if is_coroutine else fails
    expected = run(plain_loop, messages_of(plain_loop, callback))
    assert run(any_loop, messages_of(any_loop, callback)) == expected
