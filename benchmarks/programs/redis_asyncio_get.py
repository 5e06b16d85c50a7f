"""redis.asyncio on a loop: ``redis_asyncio_get.py plain|tls LOOP [AUTHORITY] PORT``.

For each line n, n times GET of 64 bytes, by 16 tasks through one pool. AUTHORITY is the file of the
certificate's authority.
"""

import sys

if sys.argv[2] == "installed":  # before other imports, as its documentation asks for
    import pysock

    pysock.install()

import asyncio

from chosen_loop import new_loop
from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection

TASKS = 16


async def get(client, n):
    for _ in range(n):
        await client.get("key")


async def get_all(client, n):
    await asyncio.gather(*(get(client, n // TASKS + (at < n % TASKS)) for at in range(TASKS)))


kind, name, *authority, port = sys.argv[1:]
tls = {"connection_class": SSLConnection, "ssl_ca_certs": authority[0]} if authority else {}
loop = new_loop(name)
asyncio.set_event_loop(loop)
pool = BlockingConnectionPool(
    max_connections=TASKS, timeout=None, host="localhost", port=int(port), **tls
)
client = Redis(connection_pool=pool)
loop.run_until_complete(client.set("key", bytes(64)))
print("ready", flush=True)
for line in sys.stdin:
    loop.run_until_complete(get_all(client, int(line)))
    print("done", flush=True)
loop.run_until_complete(pool.disconnect())
loop.close()
