"""What is built on sockets takes pysock's: event loops, TLS, selectors, servers, threads."""

import asyncio
import concurrent.futures
import os
import select
import selectors
import socketserver
import ssl
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest
import trustme
from support.needs import needs
from support.paths import ROOT

# Event loops from elsewhere, in programs of their own

TRIO = """
import trio
async def echo(stream):
    assert type(stream.socket._sock) is pysock.socket
    async for data in stream:
        await stream.send_all(data.upper())
async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    assert type(listener) is pysock.socket
    async with trio.open_nursery() as nursery:
        taken = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        nursery.start_soon(trio.serve_listeners, echo, [taken])
        async with await trio.open_tcp_stream(*listener.getsockname()) as stream:
            assert type(stream.socket._sock) is pysock.socket
            await stream.send_all(b"thank ")
            print((await stream.receive_some()).decode(), end="")
        sock = socket.create_connection(listener.getsockname())
        sock.setblocking(False)
        async with trio.SocketStream(trio.socket.from_stdlib_socket(sock)) as stream:
            await stream.send_all(b"you")
            print((await stream.receive_some()).decode())
        nursery.cancel_scope.cancel()
trio.run(main)
"""

UVLOOP = """
import uvloop, asyncio
async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
async def main():
    loop = asyncio.get_running_loop()
    assert type(loop).__module__ == "uvloop"
    listener = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(echo, sock=listener):
        with socket.socket() as sock:
            assert type(listener) is type(sock) is pysock.socket
            sock.setblocking(False)
            await loop.sock_connect(sock, listener.getsockname())
            await loop.sock_sendall(sock, b"thank\\n")
            print((await loop.sock_recv(sock, 100)).decode().strip(), end=" ")
        sock = socket.create_connection(listener.getsockname())
        reader, writer = await asyncio.open_connection(sock=sock)
        writer.write(b"you\\n")
        print((await reader.readline()).decode(), end="")
        writer.close()
        await writer.wait_closed()
loop = uvloop.new_event_loop()
loop.run_until_complete(main())
loop.close()
"""


@pytest.mark.parametrize("install_first", [True, False], ids=["install-first", "install-last"])
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(TRIO, id="trio"),
        pytest.param(UVLOOP, id="uvloop", marks=needs("uvloop", find_spec("uvloop"))),
    ],
)
def test_event_loop_after_install(pysock, program, install_first):
    first, rest = program.lstrip().split("\n", 1)
    install = "import pysock, socket; pysock.install()"
    lines = [install, first, rest] if install_first else [first, install, rest]
    fallback = "1" if pysock.BACKEND == "stdlib" else ""
    warn = "-Wdefault" if install_first else "-Wignore:pysock.install:RuntimeWarning"
    done = subprocess.run(
        [sys.executable, warn, "-c", "\n".join(lines)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": fallback},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "THANK YOU\n", "")


# asyncio's own loop, without install()


def test_asyncio_streams(pysock):
    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
        writer.close()
        await writer.wait_closed()

    async def main():
        listener = pysock.create_server(("127.0.0.1", 0))
        async with await asyncio.start_server(echo, sock=listener):
            sock = pysock.create_connection(listener.getsockname())
            reader, writer = await asyncio.open_connection(sock=sock)
            for line in (b"thank\n", b"you\n", b"x" * 50_000 + b"\n"):
                writer.write(line)
                await writer.drain()
                assert await reader.readline() == line.upper()
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_asyncio_on_bare_sockets(pysock, tmp_path):
    big = os.urandom(1_000_000)
    (tmp_path / "big").write_bytes(big)

    async def main():
        loop = asyncio.get_running_loop()
        with pysock.create_server(("127.0.0.1", 0)) as listener, pysock.socket() as client:
            listener.setblocking(False)
            client.setblocking(False)
            accepted = asyncio.ensure_future(loop.sock_accept(listener))
            await loop.sock_connect(client, listener.getsockname())
            server, address = await accepted
        with server:
            assert type(server) is pysock.socket and address == server.getpeername()
        with open(tmp_path / "big", "rb") as file:
            a, b = pysock.socketpair()
            with a, b:
                a.settimeout(0)
                b.settimeout(0)
                sent = asyncio.ensure_future(loop.sock_sendfile(a, file))
                got = bytearray()
                while len(got) < len(big):
                    got += await loop.sock_recv(b, 1 << 18)
                assert await sent == len(got)
                assert got == big
                await loop.sock_sendall(a, b"thanks")
                assert await loop.sock_recv_into(b, got) == 6

    asyncio.run(main())


def test_asyncio_datagrams(pysock, udp_pair):
    ours, theirs = udp_pair

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data.upper(), address)

    async def main():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Echo, sock=theirs)
        ours.sendto(b"thanks", theirs.getsockname())
        ours.setblocking(False)
        assert await loop.sock_recv(ours, 100) == b"THANKS"
        transport.close()
        await asyncio.sleep(0)

    asyncio.run(main())


# TLS


@pytest.fixture(scope="module")
def contexts():
    """The contexts of a client and of a server that it trusts."""
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    return client, server


@pytest.mark.parametrize("timeout", [None, 12.5])
def test_tls(net, tcp_pair, contexts, timeout):
    plain_client, plain_server = tcp_pair
    client_context, server_context = contexts
    plain_client.settimeout(timeout)
    number = plain_client.fileno()
    big = os.urandom(300_000)

    def serve():
        with server_context.wrap_socket(plain_server, server_side=True) as tls:
            with tls.makefile("rwb") as file:
                file.write(file.read(len(big)))
            assert tls.recv(1) == b""

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        served = executor.submit(serve)
        with client_context.wrap_socket(plain_client, server_hostname="127.0.0.1") as tls:
            assert (plain_client.fileno(), tls.fileno()) == (-1, number)
            assert tls.gettimeout() == timeout
            assert (tls.family, tls.type) == (net.AF_INET, net.SOCK_STREAM)
            assert tls.version().startswith("TLS")
            tls.sendall(big)
            with tls.makefile("rb") as file:
                assert file.read(len(big)) == big
        served.result(20)


def test_tls_handshake_times_out(net, tcp_pair, contexts):
    client, _silent = tcp_pair
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        contexts[0].wrap_socket(client, server_hostname="127.0.0.1")
    assert client.fileno() == -1


def test_tls_refuses_a_stranger(net, tcp_pair, contexts):
    client, server = tcp_pair

    def serve():
        with pytest.raises(ssl.SSLError):
            contexts[1].wrap_socket(server, server_side=True)

    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        served = executor.submit(serve)
        with pytest.raises(ssl.SSLCertVerificationError):
            contexts[0].wrap_socket(client, server_hostname="127.0.0.2")
        served.result(20)


# Readiness


def test_select(net, pair):
    a, b = pair
    assert select.select([a], [b], [a, b], 0) == ([], [b], [])
    b.send(b"x")
    assert select.select([a, b], [a, b], [], 0) == ([a], [a, b], [])


@pytest.mark.parametrize(
    "selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector]
)
def test_selectors(net, pair, selector):
    a, b = pair
    with selector() as waits:
        waits.register(a, selectors.EVENT_READ, "data")
        assert waits.select(0) == []
        b.send(b"x")
        assert waits.select(20) == [(waits.get_key(a), selectors.EVENT_READ)]
        waits.modify(a, selectors.EVENT_READ | selectors.EVENT_WRITE)
        ((key, events),) = waits.select(20)
        assert key.fileobj is a and events == selectors.EVENT_READ | selectors.EVENT_WRITE
        assert waits.unregister(a).fd == a.fileno()


# Servers, and many threads at once


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class UpperDatagram(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.read().upper())


@pytest.fixture(params=[socketserver.ThreadingTCPServer, socketserver.ThreadingUDPServer])
def server(pysock, request):
    datagrams = issubclass(request.param, socketserver.UDPServer)
    with pysock.installed():
        with request.param(("127.0.0.1", 0), UpperDatagram if datagrams else Upper) as server:
            assert type(server.socket) is pysock.socket
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server
            server.shutdown()
            thread.join()


def test_many_clients_of_a_server(server, pysock):
    def converse(number):
        with pysock.socket(type=server.socket_type) as sock:
            sock.settimeout(20)
            sock.connect(server.server_address)
            for turn in range(100):
                sock.sendall(b"client %d, turn %d\n" % (number, turn))
                assert sock.recv(100) == b"CLIENT %d, TURN %d\n" % (number, turn)
        return number

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        assert list(executor.map(converse, range(16))) == list(range(16))
