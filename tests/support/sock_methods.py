"""Reads by each method of a loop, and tasks that wait."""

import asyncio
import contextlib
import socket

import pytest


async def recv(loop, sock):
    return await loop.sock_recv(sock, 100)


async def recv_into(loop, sock):
    buffer = bytearray(100)
    return bytes(buffer[: await loop.sock_recv_into(sock, buffer)])


async def recvfrom(loop, sock):
    return (await loop.sock_recvfrom(sock, 100))[0]


async def recvfrom_into(loop, sock):
    buffer = bytearray(100)
    size, _ = await loop.sock_recvfrom_into(sock, buffer, 90)
    return bytes(buffer[:size])


async def recvmsg(loop, sock):
    return (await loop.sock_recvmsg(sock, 100))[0]


async def recvmmsg(loop, sock):
    [(data, _)] = await loop.sock_recvmmsg(sock, 1, 100)
    return data


READS = [recv, recv_into, recvfrom, recvfrom_into, recvmsg, recvmmsg]


@contextlib.contextmanager
def nonblocking_pair(module, kind=socket.SOCK_DGRAM):
    a, b = module.socketpair(socket.AF_UNIX, kind)
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        yield a, b


async def settle(turns=3):
    for _ in range(turns):
        await asyncio.sleep(0)


async def cancel(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def started(coroutine):
    task = asyncio.ensure_future(coroutine)
    await settle()
    assert not task.done()
    return task
