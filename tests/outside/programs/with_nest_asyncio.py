"""nest_asyncio: a loop that runs within its own callbacks. It replaces methods of the class."""

import asyncio
import socket

import nest_asyncio
from shown import outcome, say


async def echo(lines):
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answers = []
        for line in lines:
            writer.write(line)
            answers.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return answers


async def by_sockets():
    loop = asyncio.get_running_loop()
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        two.setblocking(False)
        waits = asyncio.ensure_future(loop.sock_recv(two, 10))
        await asyncio.sleep(0)
        await loop.sock_sendall(one, b"first")
        first = await waits
        waits = asyncio.ensure_future(loop.sock_recv(two, 10))
        await asyncio.sleep(0)
        loop.call_later(0.001, one.send, b"second")
        return first, loop.run_until_complete(waits), waits.done()


async def datagrams():
    loop = asyncio.get_running_loop()
    received = asyncio.Queue()

    class Keeps(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            received.put_nowait(data)

    kept, _ = await loop.create_datagram_endpoint(Keeps, ("127.0.0.1", 0))
    sends, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=kept.get_extra_info("sockname")
    )
    for number in range(5):
        sends.sendto(b"%d" % number)
    got = [await asyncio.wait_for(received.get(), 5) for _ in range(5)]
    kept.close()
    sends.close()
    return got


async def fails():
    await asyncio.sleep(0)
    raise ValueError("planted")


async def never_done():
    await asyncio.sleep(100)


def nested(coroutine):
    """Runs it from within a callback of the loop that runs."""
    return asyncio.get_event_loop().run_until_complete(coroutine)


async def order():
    """What was ready before stays ready, and runs within."""
    loop, done = asyncio.get_running_loop(), []

    async def inner():
        done.append("inner")
        await asyncio.sleep(0)
        done.append("inner again")

    loop.call_soon(done.append, "soon")
    loop.call_later(0, done.append, "later")
    nested(inner())
    done.append("outer")
    loop.call_soon_threadsafe(done.append, "threadsafe")
    await asyncio.sleep(0.002)
    return done


async def main():
    say("in the loop: refused before", outcome(asyncio.run, None))
    nest_asyncio.apply()
    loop = asyncio.get_running_loop()
    say("nested echo", nested(echo([b"a\n", b"b\n"])))
    say("nested twice", nested(outer()))
    say("nested sockets", nested(by_sockets()))
    say("nested datagrams", nested(datagrams()))
    say("asyncio.run within", asyncio.run(echo([b"c\n"])))
    say("a failure within", outcome(nested, fails()))
    say("a timeout within", outcome(nested, asyncio.wait_for(never_done(), 0.01)))
    say("order", nested(order()))
    task = asyncio.ensure_future(echo([]))
    say("a task of a Python class", type(task) is asyncio.tasks._PyTask, await task)
    say("in a thread", await loop.run_in_executor(None, lambda: asyncio.new_event_loop().close()))
    return [task.get_coro().__name__ for task in asyncio.all_tasks()]


async def outer():
    return nested(echo([b"deep\n"])), await echo([b"beside\n"])


say("before", asyncio.run(echo([b"x\n"])))
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
say("main", sorted(loop.run_until_complete(main())))
say("afterwards", asyncio.run(echo([b"y\n"])))
loop.run_until_complete(asyncio.sleep(0))
loop.close()
