"""freezegun: where time stands still, timeouts of sockets and of selectors are the kernel's."""

import asyncio
import datetime
import selectors
import socket
import tempfile
import threading
import time

from freezegun import freeze_time
from shown import outcome, say

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
real = time.perf_counter


def transfers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 5) as client:
            server, _ = listener.accept()
            with server, server.makefile("rb") as made:
                client.sendall(b"line\n")
                return made.readline(), client.sendfile(file), server.recv(1000)[:3]


def timeouts():
    a, b = socket.socketpair()
    with a, b, socket.create_server(("127.0.0.1", 0)) as listener:
        a.settimeout(0.02)
        listener.settimeout(0.02)
        return (
            outcome(a.recv, 1),
            outcome(a.recv_into, bytearray(1)),
            outcome(a.makefile("rb", buffering=0).readinto, bytearray(1)),
            outcome(a.sendall, bytes(5_000_000)),
            outcome(listener.accept),
        )


def waiting_for_another_thread():
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(20)
        done = threading.Event()
        thread = threading.Thread(target=lambda: (done.wait(0.05), b.send(b"late")))
        thread.start()
        data = a.recv(10)
        thread.join()
        return data


def selecting():
    a, b = socket.socketpair()
    with a, b, selectors.EpollSelector() as selector:
        selector.register(a, selectors.EVENT_READ, "data")
        empty = selector.select(0.02)
        b.send(b"x")
        return empty, [key.data for key, _ in selector.select(5)]


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        return line


async def sleeping():
    await asyncio.sleep(0.02)
    return outcome(await_timeout, await asyncio.gather(slow(), return_exceptions=True))


async def slow():
    try:
        await asyncio.wait_for(asyncio.get_running_loop().create_future(), 0.02)
    except (TimeoutError, asyncio.TimeoutError):
        return "timed out"


def await_timeout(results):
    return results


def loop_time():
    loop = asyncio.new_event_loop()
    try:
        return loop.time()
    finally:
        loop.close()


def on_a_loop():
    return asyncio.run(echo())


def sleeping_on_a_loop():
    return asyncio.run(sleeping())


for does in (transfers, timeouts, waiting_for_another_thread, selecting, on_a_loop):
    with freeze_time("2001-01-01") as frozen:
        before = time.monotonic()
        result = outcome(does)
        same = time.monotonic() == before
        frozen.tick(datetime.timedelta(seconds=100))
        ticked = time.monotonic() - before
    say(f"frozen: {does.__name__}", result, same, ticked, datetime.date.today().year > 2001)
for does in (on_a_loop, sleeping_on_a_loop):
    with freeze_time("2001-01-01", real_asyncio=True):
        say(f"frozen, and asyncio not: {does.__name__}", outcome(does), datetime.date.today().year)
with freeze_time("2001-01-01", tick=True):
    say("ticking", outcome(sleeping_on_a_loop), outcome(timeouts))
with freeze_time("2001-01-01"):
    say("loop.time()", loop_time() == time.monotonic())
begun = real()
say("afterwards", outcome(timeouts), outcome(sleeping_on_a_loop), real() - begun >= 0.1)
