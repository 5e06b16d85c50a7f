"""sock_accept, sock_connect and the messages of a loop: sendto, sendmsg, and the batches."""

import array
import asyncio
import contextlib
import os
import socket

import pytest
from support.connections import BlackHole, refusing_address
from support.loops import outcome, run, turns
from support.sock_methods import cancel, nonblocking_pair, settle, started
from support.waits import fill


@contextlib.contextmanager
def listener(module, family=socket.AF_INET):
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with module.create_server((host, 0), family=family) as sock:
        sock.setblocking(False)
        yield sock


def client_of(module, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    sock = module.socket(family, kind)
    sock.setblocking(False)
    return sock


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("waits", [True, False])
def test_accept_and_connect(any_loop, sockets, family, waits):
    async def main():
        with listener(sockets, family) as server, client_of(sockets, family) as client:
            if waits:
                accepting = await started(any_loop.sock_accept(server))
                assert await any_loop.sock_connect(client, server.getsockname()) is None
            else:
                await any_loop.sock_connect(client, server.getsockname())
                accepting = asyncio.ensure_future(any_loop.sock_accept(server))
            accepted, address = await accepting
            with accepted:
                assert type(accepted) is sockets.socket
                assert accepted.gettimeout() == 0
                assert address == client.getsockname()
                await any_loop.sock_sendall(client, b"hello")
                assert await any_loop.sock_recv(accepted, 100) == b"hello"

    run(any_loop, main())


def test_accept_cancelled_then_used_again(any_loop, sockets):
    async def main():
        with listener(sockets) as server:
            for _ in range(3):
                await cancel(await started(any_loop.sock_accept(server)))
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(any_loop.sock_accept(server), 0.005)
            for _ in range(20):
                with client_of(sockets) as client:
                    await any_loop.sock_connect(client, server.getsockname())
                    accepted, _ = await any_loop.sock_accept(server)
                    accepted.close()

    run(any_loop, main())


def test_a_listener_of_many_connections(any_loop, sockets):
    async def main():
        with listener(sockets) as server, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(client_of(sockets)) for _ in range(50)]
            await asyncio.gather(
                *(any_loop.sock_connect(client, server.getsockname()) for client in clients)
            )
            addresses = set()
            for _ in clients:
                accepted, address = await any_loop.sock_accept(server)
                accepted.close()
                addresses.add(address)
            assert addresses == {client.getsockname() for client in clients}

    run(any_loop, main())


def test_connect_fails_as_with_asyncio(any_loop, plain_loop, sockets, tmp_path):
    def results(loop):
        with refusing_address() as refusing:
            for family, address in (
                (socket.AF_INET, refusing),
                (socket.AF_INET, ("localhost", refusing[1])),
                (socket.AF_INET, ("::1", 9)),
                (socket.AF_INET, 5),
                (socket.AF_INET, ("127.0.0.1",)),
                (socket.AF_INET, ("127.0.0.1", "x")),
                (socket.AF_UNIX, os.fspath(tmp_path / "nobody")),
                (socket.AF_UNIX, ("127.0.0.1", 9)),
            ):
                with client_of(sockets, family) as client:
                    kind, text = outcome(loop, loop.sock_connect(client, address))
                    yield kind, text.replace(str(refusing[1]), "port")

    assert list(results(any_loop)) == list(results(plain_loop))


def test_connect_that_never_ends(any_loop, sockets, black_hole):
    hole: BlackHole = black_hole()

    async def main():
        with client_of(sockets) as client:
            number = client.fileno()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(any_loop.sock_connect(client, hole.address), 0.05)
            assert number not in any_loop._selector.get_map()
            before = turns(any_loop)
            await asyncio.sleep(0.05)
            assert turns(any_loop) - before < 10

    run(any_loop, main())


def test_connect_to_a_full_unix_listener(any_loop, plain_loop, sockets, tmp_path):
    """It would block: asyncio takes that for a connection in progress."""

    def result(loop, path):
        with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as stack:
            server.bind(path)
            server.listen(0)
            shown = []
            for _ in range(4):
                client = stack.enter_context(client_of(sockets, socket.AF_UNIX))
                shown.append(outcome(loop, asyncio.wait_for(loop.sock_connect(client, path), 0.1)))
            return shown

    expected = result(plain_loop, os.fspath(tmp_path / "a"))
    assert result(any_loop, os.fspath(tmp_path / "b")) == expected


# Datagrams and messages


@pytest.fixture
def loop(any_loop, only_pysock):
    """A loop with the methods that pysock adds."""
    return any_loop


def test_sendto_waits_for_room(any_loop, sockets, tmp_path):
    if not hasattr(any_loop, "sock_sendto"):
        pytest.skip("asyncio's own loop has it since Python 3.11")

    async def main():
        with client_of(sockets, socket.AF_UNIX, socket.SOCK_DGRAM) as a:
            with client_of(sockets, socket.AF_UNIX, socket.SOCK_DGRAM) as b:
                path = os.fspath(tmp_path / "b")
                b.bind(path)
                count = 0
                with pytest.raises(asyncio.TimeoutError):
                    while True:
                        sending = any_loop.sock_sendto(a, b"%d" % count, path)
                        assert await asyncio.wait_for(sending, 0.05) == len(b"%d" % count)
                        count += 1
                waiting = await started(any_loop.sock_sendto(a, b"%d" % count, path))
                received = [int(await any_loop.sock_recv(b, 100)) for _ in range(count)]
                assert await waiting == len(b"%d" % count)
                assert [*received, int(await any_loop.sock_recv(b, 100))] == list(range(count + 1))
                with pytest.raises(FileNotFoundError):
                    await any_loop.sock_sendto(a, b"x", path + "x")

    run(any_loop, main())


def rights(*descriptors):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


@pytest.mark.parametrize("waits", [True, False])
def test_descriptors_are_passed(loop, sockets, stream_pair, waits):
    a, b = stream_pair

    async def main():
        reading, writing = os.pipe()
        if waits:
            receiving = await started(loop.sock_recvmsg(b, 100, socket.CMSG_SPACE(4)))
        sent = await loop.sock_sendmsg(a, iter([b"a ", bytearray(b"pipe")]), iter(rights(writing)))
        assert sent == 6
        os.close(writing)
        if not waits:
            receiving = loop.sock_recvmsg(b, 100, socket.CMSG_SPACE(4))
        data, [(level, kind, payload)], flags, _ = await receiving
        assert (data, level, kind) == (b"a pipe", socket.SOL_SOCKET, socket.SCM_RIGHTS)
        assert not flags & socket.MSG_CTRUNC
        [passed] = array.array("i", payload)
        os.write(passed, b"through")
        os.close(passed)
        assert os.read(reading, 100) == b"through"
        os.close(reading)

    run(loop, main())


def test_sendmsg_waits_for_room_with_its_ancillary_data(loop, stream_pair):
    """The arguments are kept: generators are not asked a second time."""
    a, b = stream_pair
    fill(a)

    async def main():
        reading, writing = os.pipe()
        passing = (item for item in rights(writing))
        sending = await started(loop.sock_sendmsg(a, (part for part in (b"x", b"end")), passing))
        received = []
        while not sending.done():
            received.append(await loop.sock_recvmsg(b, 1 << 16, socket.CMSG_SPACE(4)))
        assert await sending == 4
        while not received[-1][0].endswith(b"xend"):
            received.append(await loop.sock_recvmsg(b, 1 << 16, socket.CMSG_SPACE(4)))
        [(_, _, payload)] = [item for message in received for item in message[1]]
        for descriptor in (reading, writing, *array.array("i", payload)):
            os.close(descriptor)

    run(loop, main())


def test_messages_with_flags_and_addresses(loop, sockets):
    async def main():
        with client_of(sockets, kind=socket.SOCK_DGRAM) as a:
            with client_of(sockets, kind=socket.SOCK_DGRAM) as b:
                b.bind(("127.0.0.1", 0))
                sent = await loop.sock_sendmsg(a, [b"long", b"er"], (), 0, b.getsockname())
                assert sent == 6
                data, _, _, address = await loop.sock_recvmsg(b, 100, 0, socket.MSG_PEEK)
                assert data == b"longer" and address[1] == a.getsockname()[1]
                data, _, flags, _ = await loop.sock_recvmsg(b, 4)
                assert data == b"long" and flags & socket.MSG_TRUNC
                with pytest.raises(OSError):
                    await loop.sock_sendmsg(a, [b"x"])  # not connected

    run(loop, main())


def test_batches(loop, pysock_module):
    """The first datagram ends the wait; each call takes what is there, in order."""

    async def main():
        with nonblocking_pair(pysock_module) as (a, b):
            messages = [b"%d" % number for number in range(5)]
            receiving = await started(loop.sock_recvmmsg(b, 8, 100))
            assert await loop.sock_sendmmsg(a, iter(messages)) == 5
            assert [data for data, _ in await receiving] == messages
            await cancel(await started(loop.sock_recvmmsg(b, 8, 100)))
            assert await loop.sock_sendmmsg(a, messages) == 5
            assert [data for data, _ in await loop.sock_recvmmsg(b, 3, 100)] == messages[:3]
            assert [data for data, _ in await loop.sock_recvmmsg(b, 8, 100)] == messages[3:]

    run(loop, main())


def test_a_batch_that_has_no_room(loop, pysock_module):
    async def main():
        with nonblocking_pair(pysock_module) as (a, b):
            messages = [b"%d" % number for number in range(2000)]
            left, received = list(messages), []

            async def send():
                while left:
                    del left[: await loop.sock_sendmmsg(a, left)]

            sending = asyncio.ensure_future(send())
            await settle()
            assert not sending.done()
            while len(received) < len(messages):
                received += [data for data, _ in await loop.sock_recvmmsg(b, 64, 100)]
            await sending
            assert received == messages

    run(loop, main())


@pytest.fixture
def pysock_module(net):
    return net


def test_wrong_arguments_of_messages(loop, sockets, datagram_pair):
    a, _ = datagram_pair
    for call in (
        lambda: loop.sock_recvmsg(a, "x"),
        lambda: loop.sock_sendmsg(a, 5),
        lambda: loop.sock_sendmsg(a, ["text"]),
        lambda: loop.sock_recvmmsg(socket.socket, 1, 1),
        lambda: loop.sock_sendmmsg(a, 5),
    ):
        with pytest.raises((TypeError, AttributeError)):
            run(loop, call())
    for call in (lambda: loop.sock_recvmsg(a, -1), lambda: loop.sock_recvmsg(a, 1, -1)):
        with pytest.raises(ValueError):
            run(loop, call())
