"""TLS on loops: connections of two protocols, and a peer that sends what it likes.

The peer cuts its records, or makes them by hand.
"""

import asyncio
import contextlib
import hashlib
import hmac
import socket
import ssl
import struct
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from support.loops import Collecting
from support.streams import contexts

# asyncio's TLS was written anew in Python 3.11.
IS_NEW = sys.version_info >= (3, 11)
tls_in_c = pytest.mark.skipif(not IS_NEW, reason="TLS of a loop is asyncio's own here")
# Before that its transports complain, when they are collected, that they were not closed.
complaints = (
    []
    if IS_NEW
    else [
        pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
        pytest.mark.usefixtures("collected_garbage"),
    ]
)
only_new = pytest.mark.skipif(not IS_NEW, reason="asyncio's TLS before Python 3.11 cannot do it")
ALERT, HANDSHAKE, DATA = 21, 22, 23  # the types of a record (RFC 8446, 5.1)
KEY_UPDATE = bytes([24, 0, 0, 1, 1])  # a message that asks the other side to change its key, too


class Peer:
    """A client of TLS 1.3 on a blocking socket. It makes records, and sends bytes as they are."""

    def __init__(self, address, **options):
        self.sock = socket.create_connection(address)
        self.sock.settimeout(10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with tempfile.TemporaryDirectory() as folder:
            context = self.context(Path(folder) / "keys")
            self.tls = context.wrap_bio(
                self.incoming, self.outgoing, server_hostname="localhost", **options
            )
            self.handshake()
            # The keys of the records are not in use before the second part of the handshake.
            secrets = dict(secrets_in(Path(folder) / "keys"))
        self.secret = secrets.get("CLIENT_TRAFFIC_SECRET_0", b"")  # none before TLS 1.3
        self.hash = "sha384" if len(self.secret) == 48 else "sha256"
        self.written = 0

    def context(self, keys):
        known = contexts()[0]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(
            cadata=b"".join(known.get_ca_certs(binary_form=True))  # those of the authority
        )
        context.keylog_filename = str(keys)
        return context

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.flush()
                if not (raw := self.sock.recv(65536)):
                    raise ConnectionError("the server ended the handshake") from None
                self.incoming.write(raw)
            finally:
                self.flush()

    def flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def send(self, data):
        self.sock.sendall(data)

    def records(self, data):
        """The records of *data*, which are not sent."""
        assert self.tls.write(data) == len(data)
        return self.outgoing.read()

    def close_notify(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self.outgoing.read()

    def made_record(self, kind, content):
        """A record of any *kind* and *content*, encrypted with the client's key (RFC 8446, 5.2)."""
        key = self.expanded(b"key", 32 if self.hash == "sha384" else 16)
        iv = int.from_bytes(self.expanded(b"iv", 12), "big")
        nonce = (iv ^ self.written).to_bytes(12, "big")
        self.written += 1
        head = struct.pack("!BHH", DATA, 0x0303, len(content) + 17)
        return head + AESGCM(key).encrypt(nonce, content + bytes([kind]), head)

    def key_update(self):
        """A record that changes the client's key, which the next one has (RFC 8446, 7.2)."""
        record = self.made_record(HANDSHAKE, KEY_UPDATE)
        self.secret = self.expanded(b"traffic upd", len(self.secret))
        self.written = 0
        return record

    def expanded(self, label, length):
        """HKDF-Expand-Label of the secret (RFC 8446, 7.1), of one block, without a context."""
        label = b"tls13 " + label
        info = struct.pack("!HB", length, len(label)) + label + b"\0"
        return hmac.new(self.secret, info + b"\1", getattr(hashlib, self.hash)).digest()[:length]

    def next(self):
        """What the next record of data has."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                if not (raw := self.sock.recv(65536)):
                    raise ConnectionError("the connection has ended") from None
                self.incoming.write(raw)

    def received(self):
        """What comes before the connection ends."""
        data = bytearray()
        with contextlib.suppress(OSError, ssl.SSLError):
            while True:
                try:
                    if not (chunk := self.tls.read(65536)):
                        break
                    data += chunk
                except ssl.SSLWantReadError:
                    raw = self.sock.recv(65536)
                    if not raw:
                        break
                    self.incoming.write(raw)
        return bytes(data)

    def close(self):
        self.sock.close()


def secrets_in(path):
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            label, _, secret = line.split()
            yield label, bytes.fromhex(secret)


class Echo(Collecting):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


async def connected(loop, server_protocol, client_protocol=Collecting, server=None, client=None):
    """The server's and the client's protocol of a new connection over TLS, and the server."""
    made = loop.create_future()

    class Made(server_protocol):
        def connection_made(self, transport):
            super().connection_made(transport)
            made.set_result(self)

    server = await loop.create_server(Made, "127.0.0.1", 0, ssl=server or contexts()[1])
    try:
        _, protocol = await loop.create_connection(
            client_protocol,
            *server.sockets[0].getsockname(),
            ssl=client or contexts()[0],
            server_hostname="localhost",
        )
    except ssl.SSLError:
        await end(server)
        raise
    return await made, protocol, server


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


async def end(server, *protocols):
    server.close()
    for protocol in protocols:
        protocol.transport.close()
    for protocol in protocols:
        await protocol.lost
    await asyncio.sleep(0.02)


def peer_in_thread(address, talk):
    """Run *talk* with a Peer in a thread; return the thread and the list that gets its result."""
    results = []

    def work():
        peer = Peer(address)
        try:
            results.append(talk(peer))
        finally:
            peer.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, results
