"""loop.sock_recv and its kin: they wait, fail and are cancelled as those of asyncio's own loop."""

import array
import asyncio
import random
import socket
import ssl
import struct

import pytest
from support.loops import outcome, run, turns
from support.sock_methods import cancel, nonblocking_pair, recv, settle, started
from support.waits import fill


def test_a_read_at_once_and_one_that_waits(any_loop, read, datagram_pair):
    a, b = datagram_pair

    async def main():
        b.send(b"here")
        assert await read(any_loop, a) == b"here"
        for number in range(20):
            any_loop.call_later(0.001, b.send, b"%d" % number)
            assert await read(any_loop, a) == b"%d" % number
        task = await started(read(any_loop, a))
        before = turns(any_loop)
        await asyncio.sleep(0.1)
        assert turns(any_loop) - before < 10
        b.send(b"last")
        assert await task == b"last"

    run(any_loop, main())


def test_a_cancelled_read_leaves_the_socket_usable(any_loop, read, datagram_pair):
    a, b = datagram_pair

    async def main():
        for data in (b"one", b"two"):
            await cancel(await started(read(any_loop, a)))
            assert a.fileno() not in any_loop._selector.get_map()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(read(any_loop, a), 0.005)
            b.send(data)
            assert await read(any_loop, a) == data

    run(any_loop, main())


def test_cancelled_about_when_the_data_comes(any_loop, plain_loop, sockets, read):
    """Whether the data is read, left or lost depends on the turn, as with asyncio."""

    async def main(loop, read, after):
        with nonblocking_pair(sockets) as (a, b):
            task = await started(read(loop, a))
            b.send(b"data")
            await settle(after)
            task.cancel()
            [result] = await asyncio.gather(task, return_exceptions=True)
            try:
                left = a.recv(100)
            except BlockingIOError:
                left = None
            b.send(b"next")
            return str(result), left, await read(loop, a)

    for after in range(5):
        plain = read if hasattr(plain_loop, "sock_" + read.__name__) else recv
        expected = run(plain_loop, main(plain_loop, plain, after))
        assert run(any_loop, main(any_loop, read, after)) == expected


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_peer_that_resets(any_loop, sockets, tcp_pair):
    client, server = tcp_pair
    server.setblocking(False)

    async def main():
        fill(server)
        reading = await started(any_loop.sock_recv(server, 100))
        writing = await started(any_loop.sock_sendall(server, bytes(50_000_000)))
        reset(client)
        results = await asyncio.gather(reading, writing, return_exceptions=True)
        assert {type(result) for result in results} <= {
            ConnectionResetError,
            BrokenPipeError,
            bytes,
        }
        assert ConnectionResetError in map(type, results)

    run(any_loop, main())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_sendall_to_a_slow_reader(any_loop, stream_pair, kind):
    a, b = stream_pair
    data = random.Random(3).randbytes(6_000_000)

    async def reader():
        received = bytearray()
        while chunk := await any_loop.sock_recv(b, 70_001):
            received += chunk
            if len(received) % 5 == 0:
                await asyncio.sleep(0.001)
        return received

    async def main():
        reading = asyncio.ensure_future(reader())
        assert await any_loop.sock_sendall(a, kind(data)) is None
        a.shutdown(socket.SHUT_WR)
        assert await reading == data
        assert await any_loop.sock_sendall(b, b"") is None

    run(any_loop, main())


@pytest.mark.parametrize("n", [0, 1, True, -1, "x", None, 1 << 70, 1.5], ids=repr)
def test_odd_sizes(any_loop, plain_loop, sockets, n):
    def result(loop):
        with nonblocking_pair(sockets) as (a, b):
            b.send(b"data")
            return outcome(loop, loop.sock_recv(a, n))

    assert result(any_loop) == result(plain_loop)


@pytest.mark.parametrize("data", ["text", None, b""], ids=repr)
def test_odd_data(any_loop, plain_loop, sockets, data):
    def result(loop):
        with nonblocking_pair(sockets, socket.SOCK_STREAM) as (a, _):
            return outcome(loop, asyncio.wait_for(loop.sock_sendall(a, data), 0.1))

    assert result(any_loop) == result(plain_loop)


@pytest.mark.parametrize("items", [2, 200_000])
def test_data_of_several_bytes_an_item(c_loop, pysock, items):
    """All of it is sent. asyncio counts its items, and takes them for bytes."""
    data = array.array("I", range(items))

    async def main():
        with nonblocking_pair(pysock, socket.SOCK_STREAM) as (a, b):
            sending = asyncio.ensure_future(c_loop.sock_sendall(a, data))
            received = b""
            while len(received) < 4 * items:
                received += await c_loop.sock_recv(b, 1 << 20)
            assert await sending is None
            assert received == data.tobytes()

    run(c_loop, main())


def test_a_wait_that_is_thrown_away(c_loop, pysock):
    """A coroutine that is closed leaves nothing registered."""

    async def main():
        with nonblocking_pair(pysock) as (a, b):
            coroutine = c_loop.sock_recv(a, 100)
            assert asyncio.isfuture(coroutine.send(None))
            coroutine.close()
            assert a.fileno() not in c_loop._selector.get_map()
            c_loop.call_later(0.001, b.send, b"data")
            assert await c_loop.sock_recv(a, 100) == b"data"

    run(c_loop, main())


def test_a_socket_with_a_timeout(any_loop, plain_loop, sockets):
    """Outside debug mode asyncio calls the socket's method, which waits and fails."""

    def result(loop):
        with nonblocking_pair(sockets) as (a, _):
            a.settimeout(0.01)
            return outcome(loop, loop.sock_recv(a, 10))

    assert result(any_loop) == result(plain_loop) == (TimeoutError, "timed out")


def calls(loop, sock):
    """Every method, with arguments that fit."""
    yield loop.sock_recv(sock, 1)
    yield loop.sock_recv_into(sock, bytearray(1))
    yield loop.sock_sendall(sock, b"x")
    yield loop.sock_accept(sock)
    yield loop.sock_connect(sock, ("127.0.0.1", 1))
    if hasattr(loop, "sock_recvfrom"):
        yield loop.sock_recvfrom(sock, 1)
        yield loop.sock_recvfrom_into(sock, bytearray(1))
        yield loop.sock_sendto(sock, b"x", ("127.0.0.1", 1))
    if hasattr(loop, "sock_recvmsg"):
        yield loop.sock_recvmsg(sock, 1)
        yield loop.sock_sendmsg(sock, [b"x"])
        yield loop.sock_recvmmsg(sock, 1, 1)
        yield loop.sock_sendmmsg(sock, [b"x"])


def test_a_socket_of_ssl(any_loop):
    context = ssl.create_default_context()
    with context.wrap_socket(socket.socket(), server_hostname="x") as sock:
        for call in calls(any_loop, sock):
            with pytest.raises(TypeError, match="Socket cannot be of type SSLSocket"):
                run(any_loop, call)


def test_debug_mode_refuses_a_blocking_socket(any_loop, datagram_pair):
    a, b = datagram_pair
    any_loop.set_debug(True)
    a.setblocking(True)
    for call in calls(any_loop, a):
        with pytest.raises(ValueError, match="the socket must be non-blocking"):
            run(any_loop, call)


def test_debug_mode_waits(any_loop, read, datagram_pair):
    a, b = datagram_pair
    any_loop.set_debug(True)
    any_loop.call_later(0.01, b.send, b"data")
    assert run(any_loop, read(any_loop, a)) == b"data"
