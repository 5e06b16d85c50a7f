"""The same small site as a WSGI and as an ASGI application."""

import json
import socket

from measure import used

LARGE = bytes(range(256)) * 400


def answer(path, body):
    if path == "/about":
        return json.dumps({"used": used(), "socket": socket.socket.__module__}).encode()
    if path == "/large":
        return LARGE
    if path == "/echo":
        return body
    return b"hello " + path.encode()


def headers_of(content):
    return {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}


def wsgi(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    content = answer(environ["PATH_INFO"], body)
    start_response("200 OK", list(headers_of(content).items()))
    return [content]


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    content = answer(scope["path"], body)
    headers = [(name.lower().encode(), v.encode()) for name, v in headers_of(content).items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
