"""aiodebug: slow callbacks are told, by a replaced `Handle._run`, and so is the loop's lag."""

import asyncio
import logging
import time

from aiodebug import log_slow_callbacks, monitor_loop_lag
from shown import say

logging.disable()  # debug mode tells of them in its own way
slow, lags = set(), []


def blocks():
    time.sleep(0.06)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        time.sleep(0.06)
        self.transport.write(data)


async def reads(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"x")
    data = await reader.read(1)
    writer.close()
    return data


async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(blocks)
    loop.call_later(0.001, blocks)
    await asyncio.sleep(0.1)
    loop.call_soon_threadsafe(blocks)
    await loop.run_in_executor(None, time.sleep, 0.001)
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    data = await reads(server.sockets[0].getsockname())
    server.close()
    await server.wait_closed()
    time.sleep(0.06)
    return data


class Lags:
    """Stands for a client of statsd."""

    def timing(self, metric, value):
        lags.append((metric, value))


async def lagging():
    monitor_loop_lag.enable(Lags(), 0.005)
    await asyncio.sleep(0.02)
    for _ in range(3):
        time.sleep(0.05)
        await asyncio.sleep(0.01)


def told(name, taken):
    """What the machine made slow by chance is not asked for."""
    slow.update(each for each in EXPECTED if each in name and taken >= 0.05)


EXPECTED = ("blocks()", "_read_ready", "main()")
original = asyncio.Handle._run
log_slow_callbacks.enable(0.05, told)
say("replaced", asyncio.Handle._run is not original, asyncio.Handle._run.__name__)
say("echo", asyncio.run(main()))
say("slow", sorted(slow))
slow.clear()
say("again", asyncio.run(main(), debug=True), sorted(slow))
asyncio.Handle._run = original
slow.clear()
say("no more", asyncio.run(main()), sorted(slow))
asyncio.run(lagging())
say("lags", {metric for metric, _ in lags}, max(lags)[1] >= 20, min(lags)[1] >= 0)
