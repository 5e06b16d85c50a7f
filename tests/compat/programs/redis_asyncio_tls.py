"""The same over TLS, the server's certificate verified."""

import asyncio
import os

import redis.asyncio as redis
from redis_asyncio import main


async def refuse(**where):
    """A certificate of an authority that is not known is not taken."""
    async with redis.Redis(**where) as client:
        try:
            await client.ping()
        except redis.ConnectionError as error:
            assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
        else:
            raise AssertionError("an unknown certificate was taken")


if __name__ == "__main__":
    where = {"host": "localhost", "port": int(os.environ["REDIS_TLS_PORT"]), "ssl": True}
    asyncio.run(refuse(**where))
    asyncio.run(main(**where, ssl_ca_certs=os.environ["REDIS_CA"]))
