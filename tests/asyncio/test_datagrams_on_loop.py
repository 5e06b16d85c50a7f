"""Datagram transports: what the protocol is told, and what it may do meanwhile, as with asyncio."""

import asyncio
import os
import socket

import pytest
from support.connections import refusing_address
from support.loops import outcome, run


class Collecting(asyncio.DatagramProtocol):
    """Keeps what it is told. *act* is called with itself after each datagram."""

    def __init__(self, act=None):
        self.received, self.errors, self.flow = [], [], []
        self.act = act
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.received.append((data, address))
        if self.act is not None:
            self.act(self)

    def error_received(self, error):
        self.errors.append(type(error))

    def pause_writing(self):
        self.flow.append("pause")

    def resume_writing(self):
        self.flow.append("resume")

    def connection_lost(self, error):
        self.lost.set_result(error)


async def endpoint(loop, act=None, address=("127.0.0.1", 0), **options):
    options = options or {"local_addr": address}
    _, protocol = await loop.create_datagram_endpoint(lambda: Collecting(act), **options)
    return protocol


async def end(*protocols):
    for protocol in protocols:
        protocol.transport.abort()
        await asyncio.wait_for(asyncio.shield(protocol.lost), 5)


async def until(condition, seconds=5):
    for _ in range(int(seconds * 1000)):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come about")


def name_of(protocol):
    return protocol.transport.get_extra_info("sockname")


@pytest.fixture
def sender():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def send_some(sender, protocol, count=40):
    for number in range(count):
        sender.sendto(b"%d" % number, name_of(protocol))


def numbers(protocol):
    return [int(data) for data, _ in protocol.received]


def test_all_come_in_order(any_loop, sender):
    async def main():
        protocol = await endpoint(any_loop)
        send_some(sender, protocol, 100)
        await until(lambda: len(protocol.received) == 100)
        assert numbers(protocol) == list(range(100))
        assert {address for _, address in protocol.received} == {sender.getsockname()}
        await end(protocol)

    run(any_loop, main())


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("after", [1, 3, 16])
def test_nothing_comes_after_it_is_closed(any_loop, sender, how, after):
    def act(protocol):
        if len(protocol.received) == after:
            getattr(protocol.transport, how)()

    async def main():
        protocol = await endpoint(any_loop, act)
        send_some(sender, protocol)
        assert await protocol.lost is None
        await asyncio.sleep(0.01)
        assert numbers(protocol) == list(range(after))

    run(any_loop, main())


def test_nothing_comes_while_the_reader_is_removed(any_loop, sender):
    """A datagram transport has no pause_reading: who wants one removes the reader."""

    def act(protocol):
        if len(protocol.received) == 2:
            protocol.transport._loop._remove_reader(protocol.transport._sock_fd)

    async def main():
        protocol = await endpoint(any_loop, act)
        send_some(sender, protocol)
        await until(lambda: len(protocol.received) >= 2)
        await asyncio.sleep(0.02)
        assert len(protocol.received) <= 16
        await end(protocol)

    run(any_loop, main())


def test_the_protocol_is_replaced(any_loop, sender):
    others = []

    def act(protocol):
        if len(protocol.received) == 3:
            others.append(Collecting())
            others[0].connection_made(protocol.transport)
            protocol.transport.set_protocol(others[0])

    async def main():
        protocol = await endpoint(any_loop, act)
        send_some(sender, protocol)
        await until(lambda: others and len(others[0].received) == 37)
        assert numbers(protocol) == [0, 1, 2]
        assert numbers(others[0]) == list(range(3, 40))
        await end(others[0])

    run(any_loop, main())


def test_an_exception_in_datagram_received(any_loop, sender):
    told = []
    any_loop.set_exception_handler(lambda _, context: told.append(context["message"]))

    def act(protocol):
        if len(protocol.received) % 5 == 0:
            raise LookupError

    async def main():
        protocol = await endpoint(any_loop, act)
        send_some(sender, protocol)
        await until(lambda: len(protocol.received) == 40)
        assert numbers(protocol) == list(range(40))
        assert not protocol.transport.is_closing()
        await end(protocol)

    run(any_loop, main())
    assert len(told) == 8
    assert all(message.startswith("Exception in callback") for message in told)


def test_an_interrupt_in_datagram_received(any_loop, sender):
    def act(protocol):
        if len(protocol.received) == 5:
            raise KeyboardInterrupt

    protocol = run(any_loop, endpoint(any_loop, act))
    send_some(sender, protocol)
    with pytest.raises(KeyboardInterrupt):
        any_loop.run_forever()
    run(any_loop, until(lambda: len(protocol.received) == 40))
    assert numbers(protocol) == list(range(40))
    run(any_loop, end(protocol))


def test_the_loop_runs_between_datagrams(any_loop, sender):
    """A flood does not keep the loop from its timers."""

    def act(protocol):
        sender.sendto(b"0", name_of(protocol))

    async def main():
        protocol = await endpoint(any_loop, act)
        send_some(sender, protocol, 30)
        await asyncio.sleep(0.02)
        await until(lambda: len(protocol.received) > 100)
        await end(protocol)

    run(any_loop, main())


@pytest.mark.parametrize("connected", [True, False])
def test_a_port_that_refuses(any_loop, connected):
    async def main():
        with refusing_address() as address:
            if not connected:
                protocol = await endpoint(any_loop)
                protocol.transport.sendto(b"x", address)
                await asyncio.sleep(0.01)
                assert protocol.errors == []
                await end(protocol)
                return
            protocol = await endpoint(any_loop, remote_addr=address)
            for count in (1, 2):
                protocol.transport.sendto(b"x")
                await until(lambda: len(protocol.errors) == count)  # noqa: B023
            assert protocol.errors == [ConnectionRefusedError] * 2
            # Reported by the next send, which is before the event:
            protocol.transport.sendto(b"x")
            protocol.transport.sendto(b"x")
            await until(lambda: len(protocol.errors) >= 3)
            assert not protocol.transport.is_closing()
            await end(protocol)

    run(any_loop, main())


def test_an_error_received_that_closes(any_loop):
    async def main():
        with refusing_address() as address:
            protocol = await endpoint(any_loop, remote_addr=address)
            protocol.error_received = lambda error: protocol.transport.close()
            protocol.transport.sendto(b"x")
            assert await protocol.lost is None

    run(any_loop, main())


def test_answers_and_others(any_loop):
    """Answers go to the sender whose address came last, and to others, and back."""

    def act(protocol):
        data, address = protocol.received[-1]
        protocol.transport.sendto(b"answer to " + data, address)
        protocol.transport.sendto(b"copy of " + data, tuple(list(address)))
        protocol.transport.sendto(b"first sender", protocol.received[0][1])

    async def main():
        server = await endpoint(any_loop, act)
        clients = [await endpoint(any_loop) for _ in range(3)]
        for client in clients:
            client.transport.sendto(b"x", name_of(server))
            await until(lambda: len(client.received) >= 2)  # noqa: B023
        await until(lambda: len(clients[0].received) == 5)
        for client in clients:
            own = [data for data, address in client.received if data != b"first sender"]
            assert own == [b"answer to x", b"copy of x"]
            assert {address for _, address in client.received} == {name_of(server)}
        await end(server, *clients)

    run(any_loop, main())


PORTS = ["port", -1, 65536, 1 << 70]
HOSTS = ["\0", "", "::1", None, "localhost", "256.1.1.1"]
ADDRESSES = [None, "text", b"x", 5, (), ("127.0.0.1",), ("127.0.0.1", 9, 0, 0), ["127.0.0.1", 9]]
ADDRESSES += [("127.0.0.1", port) for port in PORTS] + [(host, 9) for host in HOSTS]


@pytest.mark.parametrize("address", ADDRESSES, ids=repr)
def test_odd_addresses(any_loop, plain_loop, address):
    async def main(loop):
        told = []
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        protocol = await endpoint(loop)
        try:
            protocol.transport.sendto(b"x", address)
        except Exception as error:
            told.append(repr(error))
        await asyncio.sleep(0)
        closing = protocol.transport.is_closing()
        await end(protocol)
        return told, protocol.errors, closing

    expected = outcome(plain_loop, main(plain_loop))
    assert outcome(any_loop, main(any_loop)) == expected


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytearray(),
        b"bytes",
        bytearray(b"bytearray"),
        memoryview(b"memoryview"),
        memoryview(b"stride")[::2],
        memoryview(bytearray(8)).cast("I"),
        memoryview(b""),
        "text",
        None,
        [1],
        bytes(65507),
        bytes(65508),
        bytes(1 << 20),
    ],
    ids=lambda data: f"{type(data).__name__}{len(data) if data is not None else ''}",
)
def test_odd_data(any_loop, plain_loop, data, connected):
    async def main(loop):
        told = []
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        server = await endpoint(loop)
        if connected:
            client = await endpoint(loop, remote_addr=name_of(server))
        else:
            client = await endpoint(loop)
        try:
            client.transport.sendto(data, None if connected else name_of(server))
        except Exception as error:
            told.append(repr(error))
        if not client.transport.is_closing() and not client.errors:
            client.transport.sendto(b"the end", None if connected else name_of(server))
            await until(lambda: server.received and server.received[-1][0] == b"the end")
        await end(server, client)
        return told, client.errors, [received for received, _ in server.received]

    expected = outcome(plain_loop, main(plain_loop))
    assert outcome(any_loop, main(any_loop)) == expected


def test_the_wrong_address_of_a_connected_one(any_loop):
    async def main():
        server, other = await endpoint(any_loop), await endpoint(any_loop)
        client = await endpoint(any_loop, remote_addr=name_of(server))
        with pytest.raises(ValueError, match="Invalid address: must be None or"):
            client.transport.sendto(b"x", name_of(other))
        client.transport.sendto(b"y", name_of(server))
        client.transport.sendto(b"z")
        await until(lambda: len(server.received) == 2)
        assert [data for data, _ in server.received] == [b"y", b"z"]
        await end(server, other, client)

    run(any_loop, main())


@pytest.mark.parametrize("named", [True, False])
def test_unix_datagrams(any_loop, tmp_path, named):
    """The sender may have no name: then there is no address to answer to."""
    server_path, client_path = os.fspath(tmp_path / "server"), os.fspath(tmp_path / "client")

    async def main():
        server = await endpoint(any_loop, local_addr=server_path, family=socket.AF_UNIX)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            if named:
                sock.bind(client_path)
            for data in (b"one", b"two", b""):
                sock.sendto(data, server_path)
            await until(lambda: len(server.received) == 3)
            address = client_path if named else None
            assert server.received == [(b"one", address), (b"two", address), (b"", address)]
            if named:
                server.transport.sendto(b"answer", server.received[0][1])
                assert sock.recv(100) == b"answer"
            server.transport.sendto(b"x", os.fspath(tmp_path / "nobody"))
            assert server.errors == [FileNotFoundError]
        await end(server)

    run(any_loop, main())


def test_ipv6(any_loop):
    def act(protocol):
        protocol.transport.sendto(b"answer", protocol.received[-1][1])

    async def main():
        server = await endpoint(any_loop, act, local_addr=("::1", 0))
        client = await endpoint(any_loop, local_addr=("::1", 0))
        client.transport.sendto(b"x", name_of(server))
        client.transport.sendto(b"y", name_of(server)[:2])
        await until(lambda: len(client.received) == 2)
        assert client.received == [(b"answer", name_of(server))] * 2
        assert [data for data, _ in server.received] == [b"x", b"y"]
        assert server.received[0][1] == name_of(client)
        await end(server, client)

    run(any_loop, main())


@pytest.fixture
def unix_pair(tmp_path):
    """A connected socket, and the one that it sends to, which is full after a few datagrams."""
    a, b = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    with a, b:
        a.bind(os.fspath(tmp_path / "a"))
        b.bind(os.fspath(tmp_path / "b"))
        a.connect(os.fspath(tmp_path / "b"))
        a.setblocking(False)
        b.setblocking(False)
        yield a, b


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_full_buffer(any_loop, unix_pair, kind):
    """What the kernel does not take is kept as it was, in order, and the protocol is told."""
    a, b = unix_pair

    async def main():
        protocol = await endpoint(any_loop, sock=a)
        protocol.transport.set_write_buffer_limits(high=10_000, low=1000)
        sent = []
        while protocol.flow == [] and len(sent) < 10_000:
            data = bytearray(b"%06d" % len(sent) + bytes(500))
            sent.append(bytes(data))
            protocol.transport.sendto(kind(data))
            data[:] = b"!" * len(data)
        assert protocol.transport.get_write_buffer_size() > 10_000
        received = []
        while len(received) < len(sent):
            received.append(await any_loop.sock_recv(b, 1000))
        assert received == sent
        await until(lambda: protocol.flow == ["pause", "resume"])
        protocol.transport.sendto(b"more")
        assert b.recv(100) == b"more"
        await end(protocol)

    run(any_loop, main())


def test_a_close_sends_what_is_kept(any_loop, unix_pair):
    a, b = unix_pair

    async def main():
        protocol = await endpoint(any_loop, sock=a)
        count = 0
        while protocol.transport.get_write_buffer_size() < 3000 and count < 10_000:
            protocol.transport.sendto(b"%d" % count + bytes(500))
            count += 1
        protocol.transport.close()
        received = [int((await any_loop.sock_recv(b, 1000))[:-500]) for _ in range(count)]
        assert received == list(range(count))
        assert await protocol.lost is None

    run(any_loop, main())
