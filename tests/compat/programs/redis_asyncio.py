"""redis-py's asyncio client: eight tasks on one pool."""

import asyncio
import os

import redis.asyncio as redis
from measure import REQUESTS, measured, payload


async def work(client, name, requests):
    value = payload(64)
    for _ in range(requests // 2):
        await client.set(name, value)
        assert await client.get(name) == value


async def main(**where):
    async with redis.Redis(**where) as client:
        for size in (0, 1, 65_536, 2_000_000):
            await client.set("binary", payload(size))
            assert await client.get("binary") == payload(size)
        async with client.pipeline() as pipe:
            for number in range(500):
                pipe.set(f"a:{number}", payload(number)).get(f"a:{number}")
            assert (await pipe.execute())[1::2] == [payload(number) for number in range(500)]
        with measured(REQUESTS // 16 * 16):
            await asyncio.gather(*(work(client, f"t{n}", REQUESTS // 16 * 2) for n in range(8)))


if __name__ == "__main__":
    asyncio.run(main(port=int(os.environ["REDIS_PORT"])))
