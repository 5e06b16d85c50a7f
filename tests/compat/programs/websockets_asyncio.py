"""websockets on asyncio: messages of all sizes, fragments, text, and eight connections at once."""

import asyncio

from measure import REQUESTS, measured, payload
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

CONNECTIONS = 8


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def check(url):
    async with connect(url, max_size=None) as client:
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            await client.send(payload(size))
            assert await client.recv() == payload(size)
        await client.send(payload(1000) for _ in range(20))
        assert await client.recv() == payload(1000) * 20
        await client.send("w\u00f6rter")
        assert await client.recv() == "w\u00f6rter"
        await asyncio.wait_for(await client.ping(), 10)


async def talk(client, requests):
    message = payload(64)
    for _ in range(requests):
        await client.send(message)
        assert await client.recv() == message


async def main():
    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await check(url)
        clients = [await connect(url, compression=None) for _ in range(CONNECTIONS)]
        share = max(1, REQUESTS // CONNECTIONS)
        with measured(share * CONNECTIONS):
            await asyncio.gather(*(talk(client, share) for client in clients))
        for client in clients:
            await client.close()


if __name__ == "__main__":
    asyncio.run(main())
