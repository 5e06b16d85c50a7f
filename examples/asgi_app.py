"""An ASGI application on pysock's event loop, served by uvicorn or by gunicorn.

Run it: uvicorn asgi_app:app --loop pysock:new_event_loop
        gunicorn asgi_app:app --worker-class gunicorn_worker.PysockWorker --workers 2

It answers with the process and the class of its event loop.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    loop = type(asyncio.get_running_loop())
    body = f"{os.getpid()} {loop.__module__}.{loop.__qualname__}".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
