"""aiohttp's client against its own server: JSON, uploads, chunks, a WebSocket, 16 at once."""

import asyncio

import aiohttp
from aiohttp import web
from measure import REQUESTS, measured, payload

AT_ONCE = 16


async def echo(request):
    return web.Response(body=await request.read())


async def chunks(request):
    answer = web.StreamResponse()
    await answer.prepare(request)
    for number in range(200):
        await answer.write(payload(number * 17))
    await answer.write_eof()
    return answer


async def talk(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_bytes(message.data)
    return socket


async def check(session, url):
    for size in (0, 1, 65_536, 900_000):
        async with session.post(url + "/echo", data=payload(size)) as answer:
            assert await answer.read() == payload(size)
    async with session.get(url + "/chunks") as answer:
        assert await answer.read() == b"".join(payload(number * 17) for number in range(200))
    async with session.post(url + "/echo", json={"a": ["b", 1]}) as answer:
        assert await answer.json(content_type=None) == {"a": ["b", 1]}
    async with session.ws_connect(url + "/talk") as socket:
        for size in (0, 125, 126, 65_535, 65_536, 500_000):
            await socket.send_bytes(payload(size))
            assert (await socket.receive()).data == payload(size)


async def post(session, url, requests):
    body = payload(500)
    for _ in range(requests):
        async with session.post(url, data=body) as answer:
            assert await answer.read() == body


async def main(server=None, client=True):
    """*server* and *client* are contexts of TLS, if it is over TLS."""
    app = web.Application()
    app.router.add_post("/echo", echo)
    app.router.add_get("/chunks", chunks)
    app.router.add_get("/talk", talk)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
    url = f"{'https' if server else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client)) as session:
        await check(session, url)
        share = max(1, REQUESTS // AT_ONCE)
        with measured(share * AT_ONCE):
            await asyncio.gather(*(post(session, url + "/echo", share) for _ in range(AT_ONCE)))
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
