"""redis-py on pysock: the blocking client, and the asyncio client on pysock's event loop.

Run it: python -m pysock redis_clients.py [redis://127.0.0.1:6379]

`python -m pysock` gives the sockets of both clients to pysock: redis-py itself is not changed.
"""

import asyncio
import sys

import redis
import redis.asyncio

import pysock

KEYS = 500


def blocking(url: str) -> None:
    """Set and get one by one, then in a pipeline."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        for number in range(KEYS):
            client.set(f"key:{number}", number)
            assert client.get(f"key:{number}") == b"%d" % number
        with client.pipeline() as pipeline:
            for number in range(KEYS):
                pipeline.get(f"key:{number}")
            assert pipeline.execute() == [b"%d" % number for number in range(KEYS)]


async def concurrent(url: str) -> str:
    """Eight tasks on one pool of connections. Return the class of the loop."""

    async def work(name: str) -> None:
        for number in range(KEYS // 8):
            await client.set(f"{name}:{number}", number)
            assert await client.get(f"{name}:{number}") == b"%d" % number

    async with redis.asyncio.Redis.from_url(url) as client:
        await asyncio.gather(*(work(f"task:{task}") for task in range(8)))
    return type(asyncio.get_running_loop()).__qualname__


def main(url: str = "redis://127.0.0.1:6379") -> None:
    blocking(url)
    print("redis.asyncio ran on", pysock.run(concurrent(url)))
    print("every value came back")


if __name__ == "__main__":
    main(*sys.argv[1:])
