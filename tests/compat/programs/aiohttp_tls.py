"""The same over TLS."""

import asyncio

import aiohttp
from aiohttp_self import main
from certified import contexts


async def over_tls():
    server, client = contexts()
    await main(server, client)
    try:
        await main(server)
    except aiohttp.ClientConnectorCertificateError:
        pass
    else:
        raise AssertionError("an unknown certificate was taken")


if __name__ == "__main__":
    asyncio.run(over_tls())
