"""An aiohttp server on pysock's event loop.

Run it: python aiohttp_app.py [PORT]

It answers with the class of its event loop, and sends back what is posted to /echo.
"""

import asyncio
import sys

from aiohttp import web

import pysock


async def about(request: web.Request) -> web.Response:
    loop = type(asyncio.get_running_loop())
    return web.Response(text=f"{loop.__module__}.{loop.__qualname__}")


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


def main(port: int = 8080) -> None:
    app = web.Application()
    app.add_routes([web.get("/", about), web.post("/echo", echo)])
    web.run_app(app, host="127.0.0.1", port=port, loop=pysock.new_event_loop(), print=None)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
