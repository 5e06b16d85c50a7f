"""What an EventLoop does for a service, each as one call: connections, datagrams, messages."""

import asyncio
import contextlib
import socket
import ssl

from support.streams import contexts


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve(reader, writer):
    writer.write(await reader.readline())
    writer.write(await reader.readuntil(b"\r\n"))
    writer.write(await reader.readexactly(3))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


class LoopCalls:
    """Servers on one loop, and calls that use them once."""

    def __init__(self, net):
        self.net = net
        self.loop = loop = net.EventLoop(coalesce_writes=True)
        self.server = loop.run_until_complete(loop.create_server(Echo, "127.0.0.1", 0))
        self.streams = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
        tls = asyncio.start_server(serve, "127.0.0.1", 0, ssl=contexts()[1])
        self.tls = loop.run_until_complete(tls)
        self.tls_address = self.tls.sockets[0].getsockname()
        datagrams = loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
        self.datagrams = loop.run_until_complete(datagrams)[0].get_extra_info("sockname")
        self.a, self.b = net.socketpair()
        self.a.setblocking(False), self.b.setblocking(False)

    def connection(self):
        async def main(loop):
            with self.net.socket() as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, self.server.sockets[0].getsockname())
                await loop.sock_sendall(sock, b"data")
                while await loop.sock_recv(sock, 100) not in (b"datadata", b"data"):
                    pass
                sock.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(sock, 100):
                    pass

        self.loop.run_until_complete(main(self.loop))

    def stream(self):
        async def main():
            address = self.streams.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"line\nand\r\nend")
            await reader.read()
            writer.close()
            await writer.wait_closed()

        self.loop.run_until_complete(main())

    def tls_stream(self):
        async def main():
            reader, writer = await asyncio.open_connection(
                *self.tls_address, ssl=contexts()[0], server_hostname="localhost"
            )
            writer.writelines([b"line\n", b"and\r\n"])
            writer.write(b"end")
            await reader.read()
            writer.close()
            await writer.wait_closed()

        self.loop.run_until_complete(main())

    def start_tls(self):
        async def main(loop):
            address = self.server.sockets[0].getsockname()
            transport, protocol = await loop.create_connection(asyncio.Protocol, *address)
            with contextlib.suppress(ssl.SSLError):  # the server echoes what the client says
                await loop.start_tls(
                    transport, protocol, contexts()[0], server_hostname="localhost"
                )
            transport.abort()
            await asyncio.sleep(0.001)

        self.loop.run_until_complete(main(self.loop))

    def datagram(self):
        async def main(loop):
            with self.net.socket(type=socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 0))
                sock.setblocking(False)
                for _ in range(3):
                    await loop.sock_sendto(sock, b"datagram", self.datagrams)
                for _ in range(3):
                    await loop.sock_recvfrom(sock, 100)

        self.loop.run_until_complete(main(self.loop))

    def cancelled(self):
        async def main(loop):
            waiting = loop.create_task(loop.sock_recv(self.a, 100))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])

        self.loop.run_until_complete(main(self.loop))

    def messages(self):
        async def main(loop):
            await loop.sock_sendmsg(self.a, [b"a ", b"message"])
            await loop.sock_recvmsg(self.b, 100)

        self.loop.run_until_complete(main(self.loop))

    def calls(self):
        """The calls, by what they are called in a report."""
        return {
            "EventLoop: a connection": self.connection,
            "EventLoop: a connection by streams": self.stream,
            "EventLoop: a connection over TLS": self.tls_stream,
            "EventLoop: TLS that is refused": self.start_tls,
            "EventLoop: datagrams": self.datagram,
            "EventLoop: a wait that is cancelled": self.cancelled,
            "EventLoop: messages": self.messages,
        }
