"""Waits of loop.sock_recv and its kin, and what else happens to their descriptors meanwhile."""

import asyncio
import contextlib
import gc
import os
import socket

import pytest
from support.loops import needs_strace, run, system_calls, turns
from support.sock_methods import cancel, nonblocking_pair, settle, started
from support.waits import fill


@pytest.mark.parametrize("reads_first", [True, False])
@pytest.mark.parametrize("cancelled", ["read", "write", "none"])
def test_a_read_and_a_write_wait_on_one_socket(
    any_loop, sockets, stream_pair, reads_first, cancelled
):
    a, b = stream_pair
    fill(a)

    async def main():
        if reads_first:
            reading = await started(any_loop.sock_recv(a, 100))
            writing = await started(any_loop.sock_sendall(a, b"x" * 300_000 + b"end"))
        else:
            writing = await started(any_loop.sock_sendall(a, b"x" * 300_000 + b"end"))
            reading = await started(any_loop.sock_recv(a, 100))
        if cancelled == "read":
            await cancel(reading)
        if cancelled == "write":
            await cancel(writing)
            writing = None
        if cancelled != "read":
            await asyncio.sleep(0.01)
            b.send(b"answer")
            assert await reading == b"answer"
        received = b""
        while writing is not None and not received.endswith(b"end"):
            received = received[-10:] + await any_loop.sock_recv(b, 100_000)
        if writing is not None:
            await writing
        assert not any_loop._selector.get_map().keys() & {a.fileno(), b.fileno()}
        before = turns(any_loop)
        await asyncio.sleep(0.05)
        assert turns(any_loop) - before < 10
        b.send(b"again")
        assert await any_loop.sock_recv(a, 100) == b"again"

    run(any_loop, main())


def test_add_reader_takes_a_wait_over(any_loop, read, datagram_pair):
    a, b = datagram_pair

    async def main():
        waiting = await started(read(any_loop, a))
        readable = asyncio.Event()
        any_loop.add_reader(a.fileno(), readable.set)
        b.send(b"data")
        await readable.wait()
        await settle()
        assert not waiting.done()
        await cancel(waiting)
        readable.clear()
        await readable.wait()  # it was not the wait's, and is still there
        assert any_loop.remove_reader(a.fileno())
        assert await read(any_loop, a) == b"data"

    run(any_loop, main())


def test_add_writer_is_beside_a_wait(any_loop, read, datagram_pair):
    a, b = datagram_pair

    async def main():
        waiting = await started(read(any_loop, a))
        writable = asyncio.Event()
        any_loop.add_writer(a.fileno(), writable.set)
        await writable.wait()
        assert any_loop.remove_writer(a.fileno())
        b.send(b"data")
        assert await waiting == b"data"
        waiting = await started(read(any_loop, a))
        any_loop.add_writer(a.fileno(), writable.set)
        b.send(b"more")
        assert await waiting == b"more"
        writable.clear()
        await writable.wait()
        assert any_loop.remove_writer(a.fileno())

    run(any_loop, main())


def test_remove_reader_during_a_wait(any_loop, read, datagram_pair):
    a, b = datagram_pair

    async def main():
        waiting = await started(read(any_loop, a))
        assert any_loop.remove_reader(a.fileno())
        assert not any_loop.remove_reader(a.fileno())
        b.send(b"data")
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await cancel(waiting)
        assert await read(any_loop, a) == b"data"

    run(any_loop, main())


def test_two_reads_of_one_socket(any_loop, read, datagram_pair):
    """The second one takes the event; the first one waits on, as with asyncio."""
    a, b = datagram_pair

    async def main():
        first = await started(read(any_loop, a))
        second = await started(read(any_loop, a))
        b.send(b"data")
        assert await second == b"data"
        await settle()
        assert not first.done()
        await cancel(first)
        b.send(b"more")
        assert await read(any_loop, a) == b"more"

    run(any_loop, main())


def reuse(number, make):
    """A socket pair of *make* whose first descriptor is *number*, which is free."""
    first, second = make()
    if first.fileno() != number:
        os.dup2(first.fileno(), number, inheritable=False)
        moved = socket.socket(fileno=number)
        first.close()
        first = moved
    for sock in (first, second):
        sock.setblocking(False)
    return first, second


def test_a_socket_closed_during_a_wait(any_loop, read, datagram_pair, sockets):
    """The wait has no end but its cancelling. A new socket with the number is not touched."""
    a, b = datagram_pair

    async def main():
        number = a.fileno()
        waiting = await started(read(any_loop, a))
        a.close()
        before = turns(any_loop)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        assert turns(any_loop) - before < 10
        await cancel(waiting)
        c, d = reuse(number, sockets.socketpair)
        with c, d:
            any_loop.call_later(0.001, d.send, b"other")
            assert await any_loop.sock_recv(c, 100) == b"other"

    run(any_loop, main())


@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("kept_open", [True, False])
def test_a_new_socket_with_the_number(c_loop, pysock, cancelled, kept_open):
    """A duplicate may keep the old file open. Its events wake nobody, and nothing spins."""

    async def main():
        with nonblocking_pair(pysock) as (a, b), contextlib.ExitStack() as stack:
            if kept_open:
                stack.callback(os.close, os.dup(a.fileno()))
            number = a.fileno()
            old = await started(c_loop.sock_recv(a, 100))
            a.close()
            if cancelled:
                await cancel(old)
            c, d = reuse(number, pysock.socketpair)
            with c, d:
                new = await started(c_loop.sock_recv(c, 100))
                before = turns(c_loop)
                if kept_open:
                    b.send(b"for the old one")
                await asyncio.sleep(0.1)
                assert not new.done()
                assert not cancelled or turns(c_loop) - before < 10
                d.send(b"for the new one")
                assert await new == b"for the new one"
                if not cancelled:
                    await cancel(old)
                c_loop.call_later(0.001, d.send, b"more")
                assert await c_loop.sock_recv(c, 100) == b"more"

    run(c_loop, main())


@pytest.mark.parametrize("ends", ["cancelled", "by itself"])
def test_a_transport_with_the_number_of_a_wait(any_loop, sockets, ends):
    """The wait ends as it should, nothing spins, and the transport is untouched."""
    any_loop.set_exception_handler(lambda *_: None)  # asyncio tells of its own failure

    async def main():
        with nonblocking_pair(sockets, socket.SOCK_STREAM) as (a, b):
            fill(a)
            number = a.fileno()
            writing = await started(any_loop.sock_sendall(a, b"x"))
            a.close()
            c, d = reuse(number, sockets.socketpair)
            with d:
                transport, _ = await any_loop.create_connection(asyncio.Protocol, sock=c)
                if ends == "cancelled" or not turns(any_loop):
                    await cancel(writing)
                await settle()
                before = turns(any_loop)
                await asyncio.sleep(0.05)
                assert turns(any_loop) - before < 10
                transport.write(b"through")
                assert await any_loop.sock_recv(d, 100) == b"through"
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
                transport.abort()
                await settle()

    run(any_loop, main())


def test_the_descriptor_of_a_transport(any_loop, read, sockets):
    async def main():
        with nonblocking_pair(sockets, socket.SOCK_STREAM) as (a, b):
            transport, _ = await any_loop.create_connection(asyncio.Protocol, sock=a)
            for call in (read(any_loop, a), any_loop.sock_sendall(a, bytes(10_000_000))):
                with pytest.raises(RuntimeError, match="is used by transport"):
                    await call
            transport.abort()
            await settle()

    run(any_loop, main())


def test_a_loop_closed_with_waits_left(net, sockets, read):
    loop = getattr(net, "EventLoop", asyncio.SelectorEventLoop)()
    with nonblocking_pair(sockets) as (a, b):
        task = loop.create_task(read(loop, a))
        loop.run_until_complete(settle())
        loop.close()
        b.send(b"data")
        task._log_destroy_pending = False
        del task, loop
        gc.collect()
        assert a.recv(100) == b"data"


WAITS = """
import asyncio, pysock
async def main(loop):
    a, b = pysock.socketpair()
    a.setblocking(False)
    for number in range(120):
        if number in (10, 110):
            mark()
        loop.call_soon(b.send, b"x")
        assert await loop.sock_recv(a, 10) == b"x"
    a.close(), b.close()
loop = pysock.EventLoop()
loop.run_until_complete(main(loop))
loop.close()
"""


@needs_strace
def test_a_wait_makes_one_system_call_of_epoll(c_loop, tmp_path):
    made = [call for call in system_calls(WAITS, tmp_path) if call.startswith("epoll_ctl(")]
    assert len(made) == 100
    assert all("EPOLL_CTL_MOD" in call and "EPOLLONESHOT" in call for call in made)
