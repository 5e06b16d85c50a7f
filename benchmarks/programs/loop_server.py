"""An asyncio echo server of a kind, on a loop: ``loop_server.py KIND LOOP``. It prints its port."""

import sys

if sys.argv[2] == "installed":  # before other imports, as its documentation asks for
    import pysock

    pysock.install()

import asyncio
import socket

from chosen_loop import new_loop


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def protocols(loop):
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=1024)
    return server.sockets[0]


async def streams(loop):
    async def serve(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    return server.sockets[0]


async def sock_calls(loop):
    async def serve(sock):
        with sock:
            while data := await loop.sock_recv(sock, 65536):
                await loop.sock_sendall(sock, data)

    async def accept(listener):
        while True:
            sock, _ = await loop.sock_accept(listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tasks.add(task := loop.create_task(serve(sock)))
            task.add_done_callback(tasks.discard)

    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    tasks.add(loop.create_task(accept(listener)))
    return listener


async def datagrams(loop):
    transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
    return transport.get_extra_info("socket")


async def http(loop):
    """A request of HTTP by `readuntil`, answered with a head and 256 bytes in two writes."""

    async def serve(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(HEAD)
                writer.write(BODY)
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    return server.sockets[0]


async def uvicorn(loop):
    from uvicorn import Config, Server

    async def answer(scope, receive, send):
        headers = [(b"content-length", b"256"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    config = Config(
        answer,
        http="httptools",
        loop="none",
        lifespan="off",
        log_level="critical",
        timeout_keep_alive=IDLE,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    tasks.add(loop.create_task(Server(config).serve(sockets=[listener])))
    return listener


async def aiohttp(loop):
    from aiohttp import web

    async def answer(request):
        return web.Response(body=BODY, content_type="text/plain")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    tasks.add(runner)
    return listener


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\nContent-Type: text/plain\r\n\r\n"
BODY = bytes(256)
IDLE = 3600  # s: the connections wait while other servers have their turns
KINDS = {
    "protocols": protocols,
    "streams": streams,
    "sock": sock_calls,
    "datagrams": datagrams,
    "http": http,
    "uvicorn": uvicorn,
    "aiohttp": aiohttp,
}
tasks = set()


async def main(kind):
    bound = await KINDS[kind](asyncio.get_running_loop())
    print(bound.getsockname()[1], flush=True)
    await asyncio.Event().wait()


kind, name = sys.argv[1:]
loop = new_loop(name)
asyncio.set_event_loop(loop)
loop.run_until_complete(main(kind))
