"""A loop under load for as long as wanted: every byte checked, nothing left behind.

    python loop_soak.py c|fallback|socket SECONDS

Servers that echo by protocols, by streams and by sock_* methods, in the clear and over TLS, and one
of datagrams; clients that behave, stall, half-close, upgrade to TLS, reset and flood. The figures
are printed as JSON; an exception, a wrong byte, a descriptor or memory that stays is an error.
"""

import asyncio
import contextlib
import gc
import json
import logging
import random
import socket
import struct
import sys
import time
import warnings
import zlib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
from held import descriptors, resident  # noqa: E402
from support.legs import load  # noqa: E402
from support.loops import Collecting  # noqa: E402
from support.streams import contexts  # noqa: E402

net = load(sys.argv[1])
SECONDS = float(sys.argv[2])
CLIENTS = 12
CHUNK = 40_000
RESET = struct.pack("ii", 1, 0)

wrong = []
counts = {
    "connections": 0,
    "connections over TLS": 0,
    "upgraded": 0,
    "reset": 0,
    "flooded": 0,
    "bytes checked": 0,
    "datagrams checked": 0,
}


# Servers


class Echo(asyncio.Protocol):
    """Stops reading while its peer does not read."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        half = len(data) // 2
        self.transport.write(data[:half])
        self.transport.writelines([data[half:]])

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self):
        return False


class Buffered(Echo, asyncio.BufferedProtocol):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.room = memoryview(bytearray(10_000))

    def get_buffer(self, sizehint):
        return self.room

    def buffer_updated(self, n):
        self.data_received(bytes(self.room[:n]))


async def serve_stream(reader, writer):
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


class Upgrading(Echo):
    """Starts TLS when the client asks for it."""

    def data_received(self, data):
        self.transport.pause_reading()
        self.task = asyncio.ensure_future(self.upgrade())

    async def upgrade(self):
        protocol = Echo()
        self.transport.write(b"!")
        with contextlib.suppress(ConnectionError):
            loop = asyncio.get_running_loop()
            transport = await loop.start_tls(
                self.transport, protocol, contexts()[1], server_side=True
            )
            protocol.connection_made(transport)
            transport.write(b".")  # the client waits: what comes earlier finds no transport


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve_sock(loop, listener, tasks):
    async def serve(sock):
        with sock, contextlib.suppress(ConnectionError):
            while data := await loop.sock_recv(sock, CHUNK):
                await loop.sock_sendall(sock, data)

    while True:
        sock, _ = await loop.sock_accept(listener)
        tasks.add(task := loop.create_task(serve(sock)))
        task.add_done_callback(tasks.discard)


# Clients


class Checked:
    """A connection whose bytes are hashed as they go and as they come back."""

    def __init__(self, reader, writer, source):
        self.reader, self.writer, self.source = reader, writer, source
        self.sent = self.came = self.sent_hash = self.came_hash = 0

    async def send(self, size):
        data = self.source.randbytes(size)
        self.sent += size
        self.sent_hash = zlib.crc32(data, self.sent_hash)
        self.writer.write(data)
        await self.writer.drain()

    async def take(self, most):
        data = await self.reader.read(most)
        self.came += len(data)
        self.came_hash = zlib.crc32(data, self.came_hash)
        if not data and self.came < self.sent:
            raise EOFError(f"{self.came} of {self.sent} bytes came")

    def check(self):
        if (self.sent, self.sent_hash) != (self.came, self.came_hash):
            wrong.append(f"sent {self.sent} bytes, {self.came} came back, or others")
        counts["bytes checked"] += self.came


async def behave(checked, source):
    for _ in range(source.randrange(1, 20)):
        await checked.send(source.randrange(1, CHUNK))
        while checked.came < checked.sent:
            await checked.take(source.choice([100, 5000, 262_144]))
    checked.check()


async def stall(checked, source):
    sending = asyncio.ensure_future(checked.send(500_000))
    await asyncio.sleep(source.random() / 50)
    while checked.came < 500_000:
        await checked.take(30_011)
        await asyncio.sleep(0)
    await sending
    checked.check()


async def half_close(checked, source):
    await checked.send(source.randrange(1, CHUNK))
    if checked.writer.can_write_eof():
        checked.writer.write_eof()
    while checked.came < checked.sent:
        await checked.take(3000)
    checked.check()


async def reset(checked, source):
    await checked.send(source.randrange(1, CHUNK))
    sock = checked.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    counts["reset"] += 1
    checked.writer.transport.abort()


async def flood(checked, source):
    for _ in range(100):
        checked.writer.write(bytes(65_536))
    await asyncio.sleep(0.01)
    counts["flooded"] += 1
    checked.writer.transport.abort()


BEHAVIOURS = [behave, behave, behave, half_close, stall, reset, flood]


async def connect(place, source):
    host, port, kind = place
    if kind == "tls":
        counts["connections over TLS"] += 1
        return await asyncio.open_connection(
            host, port, ssl=contexts()[0], server_hostname="localhost"
        )
    reader, writer = await asyncio.open_connection(host, port)
    counts["connections"] += 1
    return reader, writer


class Taken(Collecting):
    async def take(self, count):
        """The next *count* bytes."""
        while len(self.received) < count:
            if self.transport.is_closing():
                raise EOFError(f"{len(self.received)} of {count} bytes came")
            await asyncio.sleep(0.0005)
        data = bytes(self.received[:count])
        del self.received[:count]
        return data


async def upgrade(loop, address, end):
    """Connections that start TLS, one after the other."""
    source = random.Random(7)
    try:
        while time.monotonic() < end and not wrong:
            below, protocol = Taken(), Taken()
            transport, _ = await loop.create_connection(lambda below=below: below, *address)
            transport.write(b"?")
            await below.take(1)
            over = await loop.start_tls(
                transport, protocol, contexts()[0], server_hostname="localhost"
            )
            protocol.connection_made(over)
            await protocol.take(1)
            for _ in range(10):
                data = source.randbytes(source.randrange(1, CHUNK))
                over.write(data)
                if await protocol.take(len(data)) != data:
                    wrong.append("what came back is not what was sent")
                counts["bytes checked"] += len(data)
            over.close()
            counts["upgraded"] += 1
    except Exception as error:
        wrong.append(f"upgrade: {error!r}")


async def client(number, places, end):
    source = random.Random(number)
    try:
        while time.monotonic() < end and not wrong:
            reader, writer = await connect(source.choice(places), source)
            await source.choice(BEHAVIOURS)(Checked(reader, writer, source), source)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    except Exception as error:
        wrong.append(f"client: {error!r}")


async def exchange_datagrams(loop, address, end):
    source = random.Random(5)
    with net.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        while time.monotonic() < end and not wrong:
            sent = [source.randbytes(source.randrange(5, 1400)) for _ in range(8)]
            for data in sent:
                await loop.sock_sendto(sock, data, address)
            for data in sent:
                if (await asyncio.wait_for(loop.sock_recv(sock, 2000), 10)) != data:
                    wrong.append("a datagram is not what was sent")
                counts["datagrams checked"] += 1


async def main(loop):
    end = time.monotonic() + SECONDS
    loop.set_exception_handler(lambda loop, context: wrong.append(f"loop: {context}"))
    there, tls, tasks = ("127.0.0.1", 0), contexts()[1], set()
    servers = {
        "plain": [await loop.create_server(each, *there) for each in (Echo, Buffered)],
        "tls": [await loop.create_server(each, *there, ssl=tls) for each in (Echo, Buffered)],
    }
    upgrades = await loop.create_server(Upgrading, *there)
    servers["plain"].append(await asyncio.start_server(serve_stream, *there))
    servers["tls"].append(await asyncio.start_server(serve_stream, *there, ssl=tls))
    listener = net.create_server(there)
    listener.setblocking(False)
    serving = loop.create_task(serve_sock(loop, listener, tasks))
    places = [(*listener.getsockname(), "plain")]
    for kind, made in servers.items():
        places += [(*server.sockets[0].getsockname(), kind) for server in made]
    datagrams, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=there)
    clients = [client(number, places, end) for number in range(CLIENTS)]
    clients.append(exchange_datagrams(loop, datagrams.get_extra_info("sockname"), end))
    clients.append(upgrade(loop, upgrades.sockets[0].getsockname(), end))
    working = asyncio.gather(*clients)
    await asyncio.sleep(SECONDS / 3)
    settled = resident()
    await working
    at_the_end = resident()
    serving.cancel()
    datagrams.close()
    for server in [upgrades, *sum(servers.values(), [])]:
        server.close()
    for transport in list(loop._transports.values()):
        transport.abort()
    await asyncio.wait([serving, *tasks], timeout=5)
    await asyncio.sleep(0.1)
    listener.close()
    return settled, at_the_end


if __name__ == "__main__":
    logging.disable()  # asyncio says that a peer has gone
    if sys.version_info < (3, 11):  # it says so of transports that were lost
        warnings.filterwarnings("ignore", "unclosed transport")
    contexts()
    before = descriptors()
    loop = getattr(net, "new_event_loop", asyncio.SelectorEventLoop)()
    asyncio.set_event_loop(loop)
    settled, at_the_end = loop.run_until_complete(main(loop))
    loop.close()
    gc.collect()
    said = {"seconds": SECONDS, **counts, "wrong": wrong[:5]}
    said["descriptors left"] = descriptors() - before
    said |= {"KiB resident after a third": settled, "KiB resident at the end": at_the_end}
    print(json.dumps(said))
