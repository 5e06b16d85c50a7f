"""looptime: time jumps to the next timer. It changes the loop's class, and its selector."""

import asyncio
import socket
import time

import looptime
from shown import outcome, say


async def sleeps():
    loop, done = asyncio.get_running_loop(), []
    before = loop.time()
    for delay in (30, 10, 20):
        loop.call_later(delay, lambda delay=delay: done.append((delay, loop.time() - before)))
    loop.call_at(before + 15, done.append, "at 15")
    await asyncio.sleep(3600)
    return done, loop.time() - before


async def waits():
    loop = asyncio.get_running_loop()
    before = loop.time()
    result = await asyncio.gather(slow(100), slow(5), return_exceptions=True)
    return [type(each).__name__ for each in result], loop.time() - before


async def slow(limit):
    await asyncio.wait_for(asyncio.get_running_loop().create_future(), limit)


async def echo():
    async def serve(reader, writer):
        line = await reader.readline()
        await asyncio.sleep(60)
        writer.write(line)
        writer.close()

    loop = asyncio.get_running_loop()
    before = loop.time()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
    return line, loop.time() - before >= 60


async def by_sockets():
    loop = asyncio.get_running_loop()
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        two.setblocking(False)
        waits = asyncio.ensure_future(loop.sock_recv(two, 10))
        loop.call_later(1000, one.send, b"late")
        return await waits


async def in_threads():
    return await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)


async def switched():
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asyncio.sleep(50)
    jumped = loop.time() - before
    return loop.looptime_on, jumped


async def endless():
    await asyncio.get_running_loop().create_future()


def run(coroutine, **options):
    loop = looptime.new_event_loop(start=100, **options)
    try:
        return outcome(loop.run_until_complete, coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


begun = time.monotonic()
for does in (sleeps, waits, echo, by_sockets, in_threads, switched):
    say(does.__name__, run(does()))
say("the end of time", run(endless(), end=100.05))
say("idle", run(endless(), idle_timeout=0.01))
say("fast", time.monotonic() - begun < 30)

# A loop that has run before

loop = asyncio.new_event_loop()
say("real", loop.run_until_complete(asyncio.wait_for(asyncio.sleep(0.01, 1), 5)))
patched = looptime.patch_event_loop(loop, start=0)
say("the same loop", patched is loop, isinstance(loop, looptime.LoopTimeEventLoop), loop.time())
say("patched", outcome(loop.run_until_complete, sleeps()))
say("its class", [each.__name__ for each in type(loop).__mro__[1:2]])
loop.close()
say("afterwards", outcome(asyncio.run, asyncio.sleep(0.01, "slept")))
