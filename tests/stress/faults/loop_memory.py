"""Each allocation of what a loop does fails in turn: `python loop_memory.py c|fallback|socket`.

Prints a line of JSON for each use of the loop, and its name before it, so that a crash has one.
A fault is in the interpreter's and asyncio's Python code as well as in C. What counts is that
nothing crashes, stays open, or arrives that was not sent, and that somebody is told.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import sys
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
from _testcapi import remove_mem_hooks, set_nomemory  # noqa: E402

from operations import open_descriptors  # noqa: E402
from support.legs import load  # noqa: E402
from support.streams import contexts  # noqa: E402

net = load(sys.argv[1])
warnings.simplefilter("ignore")
if sys.argv[1] == "c":
    net.install()  # for TLS asyncio calls the socket's accept: socket.socket's loses descriptors
new_loop = getattr(net, "EventLoop", asyncio.SelectorEventLoop)
FAULTS = int(os.environ.get("LOOP_MEMORY_FAULTS", "60"))  # over all allocations of a use
LIMIT = 0.04  # s: then what was lost does not come
DATA = bytes(range(251)) * 40
MUCH = bytes(range(251)) * 2000


class Recorded(asyncio.Protocol):
    def __init__(self):
        self.received = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data


class Echo(Recorded):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Collecting(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = []

    def datagram_received(self, data, address):
        self.received.append(data)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.0002)


class Use:
    """A use of the loop. `prepare` runs undisturbed, then `work` under the fault."""

    tls = False

    async def prepare(self, loop):
        server = contexts()[1] if self.tls else None
        self.server = await loop.create_server(Echo, "127.0.0.1", 0, ssl=server)
        self.address = self.server.sockets[0].getsockname()
        self.client = Recorded()
        self.sent = b""

    async def connect(self, loop):
        tls = {"ssl": contexts()[0], "server_hostname": "localhost"} if self.tls else {}
        await loop.create_connection(lambda: self.client, *self.address, **tls)

    async def echo(self, *pieces):
        self.sent += b"".join(pieces)
        for piece in pieces[:-1]:
            self.client.transport.write(piece)
        self.client.transport.writelines([pieces[-1][:10], pieces[-1][10:]])
        await until(lambda: len(self.client.received) >= len(self.sent))

    def is_right(self):
        """Whether nothing has come twice, or that was not sent."""
        return self.sent.startswith(self.client.received)


class Connection(Use):
    async def work(self, loop):
        await self.connect(loop)
        await self.echo(b"a few bytes", b"and more of them")


class TLSConnection(Connection):
    tls = True


class Protocols(Use):
    async def prepare(self, loop):
        await super().prepare(loop)
        await self.connect(loop)
        await self.echo(b"made and used", b"once, and then again")

    async def work(self, loop):
        await self.echo(DATA, DATA)
        await self.echo(MUCH, DATA)


class TLSProtocols(Protocols):
    tls = True


class Streams(Use):
    async def prepare(self, loop):
        self.sent, self.came = DATA + b"\n" + DATA, bytearray()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)

    async def serve(self, reader, writer):
        with contextlib.closing(writer):
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()

    async def work(self, loop):
        reader, writer = await asyncio.open_connection(*self.server.sockets[0].getsockname())
        with contextlib.closing(writer):
            writer.write(self.sent)
            self.came += await reader.readuntil(b"\n")
            self.came += await reader.readexactly(1000)
            while len(self.came) < len(self.sent) and (data := await reader.read(5000)):
                self.came += data

    def is_right(self):
        return self.sent.startswith(self.came)


class SockMethods(Use):
    async def work(self, loop):
        self.sent, came = DATA, self.client.received
        with net.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, self.address)
            await loop.sock_sendall(sock, DATA)
            room = bytearray(1000)
            count = await loop.sock_recv_into(sock, room)
            came += room[:count]
            while len(came) < len(DATA) and (data := await loop.sock_recv(sock, 5000)):
                came += data


class Datagrams(Use):
    async def prepare(self, loop):
        there = ("127.0.0.1", 0)
        server, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=there)
        self.server = server
        self.peer, self.client = await loop.create_datagram_endpoint(Collecting, local_addr=there)
        self.sent = [b"%d" % number for number in range(20)]

    async def work(self, loop):
        for data in self.sent:
            self.peer.sendto(data, self.server.get_extra_info("sockname"))
        await until(lambda: len(self.client.received) >= len(self.sent))

    def is_right(self):
        came = self.client.received
        return len(set(came)) == len(came) and set(came) <= set(self.sent)


class Timers(Use):
    async def prepare(self, loop):
        self.sent, self.ran, self.server = list(range(40)), [], None

    async def work(self, loop):
        for number in self.sent:
            if number % 2:
                loop.call_soon(self.ran.append, number)
            else:
                loop.call_later(0.0001, self.ran.append, number)
        await until(lambda: len(self.ran) >= len(self.sent))

    def is_right(self):
        return len(set(self.ran)) == len(self.ran)


USES = [Connection, Protocols, Streams, SockMethods, Datagrams, Timers, TLSConnection, TLSProtocols]


def go_on(loop, task, at=None):
    """Run the loop until *task* is done, or for LIMIT, while allocation *at* fails.

    Returns whether MemoryError came out of it.
    """

    def stop(task):
        loop.stop()

    task.add_done_callback(stop)
    ends = loop.call_later(LIMIT, loop.stop)
    try:
        if at is not None:
            set_nomemory(at, at + 1)
        loop.run_forever()
    except MemoryError:
        return True
    finally:
        remove_mem_hooks()
        ends.cancel()
        task.remove_done_callback(stop)
        # What `run_forever` does at its end, which may have failed, too.
        loop._stopping, loop._thread_id = False, None
        asyncio._set_running_loop(None)
    return False


def clean(loop, use):
    for task in asyncio.all_tasks(loop):
        task.cancel()
    if use.server is not None:
        use.server.close()
    for transport in list(loop._transports.values()):
        transport.abort()
    for _ in range(5):
        with contextlib.suppress(RuntimeError):  # a stop that was on its way
            loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def outcome(use, at):
    """What came of a use whose allocation *at* fails: was somebody told, and is all right?"""
    loop, told = new_loop(), []
    loop.set_exception_handler(lambda loop, context: told.append(context.get("exception")))
    loop.run_until_complete(use.prepare(loop))
    task = loop.create_task(use.work(loop))
    raised = go_on(loop, task, at)
    if not task.done():
        go_on(loop, task)
    if raised or told or task.done() and task.exception():
        result = "told"
    else:
        result = "ok" if task.done() else "silent"
    is_right = use.is_right()
    clean(loop, use)
    return result, is_right


def reach(kind):
    """About how many allocations a use has: none of the later ones is missed."""
    at = 64
    while outcome(kind(), at)[0] != "ok" or outcome(kind(), at + 1)[0] != "ok":
        at *= 2
    return at


def main():
    logging.disable()
    sys.unraisablehook = lambda _: None
    for kind in USES:
        print(json.dumps({"start": kind.__name__}), flush=True)
        end = reach(kind)
        gc.collect()
        before = open_descriptors()
        results = {"ok": 0, "told": 0, "silent": 0}
        wrong = []
        for at in sorted({end * number // FAULTS for number in range(FAULTS)}):
            result, is_right = outcome(kind(), at)
            results[result] += 1
            if not is_right:
                wrong.append(at)
        gc.collect()
        said = {"use": kind.__name__, "allocations": end, **results, "wrong": wrong}
        print(json.dumps({**said, "leaked": open_descriptors() - before}), flush=True)


if __name__ == "__main__":
    main()
