"""An asyncio server over TLS of a kind, on a loop: ``tls_server.py KIND LOOP CERTIFICATE``.

CERTIFICATE is a file with a certificate and its key. The program prints its port.
"""

import sys

if sys.argv[2] == "installed":  # before other imports, as its documentation asks for
    import pysock

    pysock.install()

import asyncio
import ssl

from chosen_loop import new_loop


class Answering(asyncio.Protocol):
    """Answer whatever comes with the same bytes, in one write."""

    answer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(self.answer)


class Http(Answering):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\nContent-Type: text/plain\r\n\r\n" + bytes(
        256
    )


class Download(Answering):
    answer = bytes(1 << 20)


class Upload(asyncio.Protocol):
    """Answer each MiB with a byte."""

    def connection_made(self, transport):
        self.transport = transport
        self.received = 0

    def data_received(self, data):
        self.received += len(data)
        if self.received >= 1 << 20:
            self.received -= 1 << 20
            self.transport.write(b"!")


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main(kind, context):
    if kind == "streams":
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context, backlog=1024)
    else:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(KINDS[kind], "127.0.0.1", 0, ssl=context, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


KINDS = {"http": Http, "download": Download, "upload": Upload}
kind, name, certificate = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate)
loop = new_loop(name)
asyncio.set_event_loop(loop)
loop.run_until_complete(main(kind, context))
