"""The rows of asyncio's loops: echo servers, and calls of an executor beside one.

As in threads.py, a row is a program that knows `socket` and asyncio alone. "CPU" is what the
server's process used for an echo: neither the clients nor other programs are part of it.
"""

import asyncio
import contextlib
import socket
import time

from .threads import Row, percentiles, short_works

CLIENTS = 16
LAST = 0.1  # of the clients' time: the calls end before the clients do
GONE = 5  # s
TURNS = 0.01  # s: enough turns of a loop to close its transports


def run(main, new_loop):
    """Run a coroutine to its end, as asyncio.run() does, on a loop of *new_loop*."""

    async def whole():
        try:
            return await main
        finally:
            # The clients have gone: the tasks of their connections end by themselves.
            if left := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(left, timeout=GONE)
            await asyncio.sleep(TURNS)
            await loop.shutdown_default_executor()

    loop = new_loop()
    loop.set_debug(False)  # with `-X dev` it would time and log each callback
    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


class Echo(asyncio.Protocol):
    def __init__(self, transports):
        self.transports = transports

    def connection_made(self, transport):
        self.transport = transport
        self.transports.add(transport)

    def connection_lost(self, error):
        self.transports.discard(self.transport)

    def data_received(self, data):
        self.transport.write(data)

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)

    def error_received(self, error):
        pass  # a client has gone


@contextlib.asynccontextmanager
async def protocol(transports=None):
    """*transports*, a set, gets those of the clients that are there."""
    transports = set() if transports is None else transports
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Echo(transports), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for transport in list(transports):
        transport.abort()


@contextlib.asynccontextmanager
async def streams():
    async def connected(reader, writer):
        with contextlib.suppress(ConnectionError):  # the clients go with answers on their way
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()  # it tells the error once more, or the collector logs it

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@contextlib.asynccontextmanager
async def sock_methods():
    loop = asyncio.get_running_loop()
    connections = set()  # the loop itself has weak references

    async def connected(sock):
        with contextlib.suppress(ConnectionError), sock:
            while data := await loop.sock_recv(sock, 4096):
                await loop.sock_sendall(sock, data)

    async def accept(listener):
        while True:
            sock, _ = await loop.sock_accept(listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.add(loop.create_task(connected(sock)))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        accepting = loop.create_task(accept(listener))
        yield listener.getsockname()[1]
        accepting.cancel()
        await asyncio.wait([accepting])  # it ends before the listener is closed


@contextlib.asynccontextmanager
async def datagrams():
    loop = asyncio.get_running_loop()
    address = ("127.0.0.1", 0)
    transport, _ = await loop.create_datagram_endpoint(lambda: Echo(set()), local_addr=address)
    yield transport.get_extra_info("sockname")[1]
    transport.close()


def cpu_of(server):
    """Return a row: what an echo of *server* costs."""

    def row(seconds, here):
        async def main():
            loop = asyncio.get_running_loop()
            async with server() as port:
                before = time.process_time()
                of_datagrams = server is datagrams
                got = await loop.run_in_executor(
                    None, here.drive, seconds, port, CLIENTS, of_datagrams
                )
                return {"CPU": (time.process_time() - before) / got["echoes"]}

        return run(main(), here.new_loop)

    return row


def executor(seconds, here, count=CLIENTS):
    """Calls of an executor while *count* connections keep the loop busy."""

    async def main():
        loop = asyncio.get_running_loop()
        clients = set()
        async with protocol(clients) as port:
            driven = loop.run_in_executor(None, here.drive, seconds, port, count)
            while len(clients) < count and not driven.done():
                await asyncio.sleep(0.001)
            times = []
            end = time.perf_counter() + (1 - LAST) * seconds
            while (begin := time.perf_counter()) < end or not times:
                await loop.run_in_executor(None, short_works)
                times.append(time.perf_counter() - begin)
            return {**percentiles(times), "echoes/s": (await driven)["echoes/s"]}

    return run(main(), here.new_loop)


ROWS = [
    Row({"asyncio protocol echo, CPU": "CPU"}, cpu_of(protocol), of_loop=True),
    Row({"asyncio streams echo, CPU": "CPU"}, cpu_of(streams), of_loop=True),
    Row({"asyncio sock_* echo, CPU": "CPU"}, cpu_of(sock_methods), of_loop=True),
    Row({"asyncio UDP echo, CPU": "CPU"}, cpu_of(datagrams), of_loop=True),
    Row(
        {
            "executor call beside a busy loop": "p50",
            "echo of a loop beside executor calls": "echoes/s",
        },
        executor,
        of_loop=True,
    ),
]
