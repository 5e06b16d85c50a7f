"""sentry-sdk's asyncio integration: a task factory, spans of tasks, and a replaced `loop.close`."""

import asyncio
import socket

import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
from shown import outcome, say

failures, spans = [], []


def keep_failure(event, hint):
    """Nothing is sent."""
    for each in event["exception"]["values"]:
        stack = [frame["function"] for frame in each["stacktrace"]["frames"]]
        failures.append((each["type"], each["value"], each["mechanism"]["type"], stack))
    return None


def keep_transaction(event, hint):
    names = (span["description"].rpartition(".")[2] for span in event["spans"])
    spans.append((event["transaction"], sorted(names)))
    return None


def begin():
    sentry_sdk.init(
        "http://key@127.0.0.1:1/1",
        integrations=[AsyncioIntegration()],
        default_integrations=False,
        auto_enabling_integrations=False,
        traces_sample_rate=1.0,
        before_send=keep_failure,
        before_send_transaction=keep_transaction,
    )


async def serve(reader, writer):
    sentry_sdk.set_tag("line", "served")
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def echo():
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        await writer.wait_closed()
        return line


async def by_sockets():
    loop = asyncio.get_running_loop()
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        two.setblocking(False)
        waits = asyncio.ensure_future(loop.sock_recv(two, 10))
        await asyncio.sleep(0)
        await loop.sock_sendall(one, b"bytes")
        return await waits


async def fails():
    await asyncio.sleep(0)
    raise ValueError("planted")


async def main():
    begin()
    loop = asyncio.get_running_loop()
    say("factory", loop.get_task_factory().__name__, "close" in vars(loop))
    with sentry_sdk.start_transaction(name="the transaction"):
        lines = await asyncio.gather(echo(), by_sockets())
        [error] = await asyncio.gather(asyncio.create_task(fails()), return_exceptions=True)
    names = [asyncio.create_task(echo()).get_name()]
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    return lines, repr(error), names


async def again():
    """A second loop: the integration is of the first alone, until it is asked for."""
    before = asyncio.get_running_loop().get_task_factory()
    return before, await echo()


say("main", outcome(asyncio.run, main()))
for failure in failures:
    say("failure", *failure)
for transaction in sorted(spans):
    say("transaction", *transaction)
say("again", outcome(asyncio.run, again()))
