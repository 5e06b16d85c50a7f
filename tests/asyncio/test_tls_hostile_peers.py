"""TLS of an EventLoop: a peer that breaks the rules gets what it gets from asyncio's own loop."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time

import pytest
from support.loops import run
from support.streams import contexts
from support.tls import DATA, HANDSHAKE, KEY_UPDATE, Peer, complaints

pytestmark = complaints
MESSAGE = b"a message of a peer"


class Recording(asyncio.Protocol):
    """Echoes, and keeps what happens to it."""

    def __init__(self, loop):
        self.made = False
        self.data = bytearray()
        self.events = []
        self.lost = loop.create_future()

    def connection_made(self, transport):
        self.made = True
        self.transport = transport

    def data_received(self, data):
        self.data += data
        self.transport.write(data)

    def eof_received(self):
        self.events.append("eof")

    def connection_lost(self, error):
        self.events.append(type(error).__name__)
        self.lost.set_result(None)


class Buffered(Recording, asyncio.BufferedProtocol):
    """The same with a buffer of its own, which is smaller than a record."""

    def __init__(self, loop):
        super().__init__(loop)
        self.buffer = memoryview(bytearray(50))

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, n):
        self.data_received(bytes(self.buffer[:n]))


def cut_at_every_byte(peer):
    for byte in peer.records(MESSAGE) + peer.records(b"another one") + peer.close_notify():
        peer.send(bytes([byte]))
        time.sleep(0.0005)


def many_records_at_once(peer):
    peer.send(b"".join(peer.records(MESSAGE * 10) for _ in range(500)) + peer.close_notify())


def a_large_record_in_two_parts(peer):
    record = peer.records(bytes(16384))
    peer.send(record[:-10])
    time.sleep(0.02)
    peer.send(record[-10:] + peer.close_notify())


def garbage(peer):
    peer.send(b"GET / HTTP/1.1\r\n\r\n" * 10)


def garbage_after_a_record(peer):
    peer.send(peer.records(MESSAGE) + b"GET / HTTP/1.1\r\n\r\n" * 10)


def a_record_that_was_changed(peer):
    record = bytearray(peer.records(MESSAGE))
    record[-1] ^= 1
    peer.send(record)


def a_record_twice(peer):
    record = peer.records(MESSAGE)
    peer.send(record)
    time.sleep(0.02)
    peer.send(record)


def close_within_a_record(peer):
    peer.send(peer.records(MESSAGE)[:-5])
    peer.sock.recv(65536)  # the tickets: if they were left, closing would be a reset
    peer.close()


def close_without_close_notify(peer):
    peer.send(peer.records(MESSAGE))
    peer.sock.shutdown(socket.SHUT_WR)


def close_notify_and_more(peer):
    record = peer.records(MESSAGE)
    peer.send(peer.close_notify() + record)


def half_close(peer):
    peer.send(peer.records(MESSAGE) + peer.close_notify())
    peer.sock.shutdown(socket.SHUT_WR)


def reset(peer):
    peer.send(peer.records(MESSAGE))
    time.sleep(0.05)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def a_few_empty_records(peer):
    peer.send(b"".join(peer.made_record(DATA, b"") for _ in range(20)))
    peer.send(peer.made_record(DATA, MESSAGE))
    peer.sock.shutdown(socket.SHUT_WR)


def a_flood_of_empty_records(peer):
    with contextlib.suppress(OSError):
        for _ in range(100):
            peer.send(b"".join(peer.made_record(DATA, b"") for _ in range(100)))


def a_flood_of_key_updates(peer):
    with contextlib.suppress(OSError):
        for _ in range(20):
            peer.send(b"".join(peer.key_update() for _ in range(50)))
        peer.send(peer.made_record(DATA, MESSAGE))
        peer.sock.shutdown(socket.SHUT_WR)


def a_key_update_and_no_new_key(peer):
    peer.send(peer.made_record(HANDSHAKE, KEY_UPDATE) + peer.made_record(DATA, MESSAGE))


def a_key_update_of_no_known_kind(peer):
    peer.send(peer.made_record(HANDSHAKE, KEY_UPDATE[:-1] + b"\2"))


def too_much_in_a_record(peer):
    peer.send(peer.made_record(DATA, bytes(16385)))


def a_length_that_is_not_allowed(peer):
    peer.send(b"\x17\x03\x03\xff\xff" + bytes(70000))


def a_record_of_no_known_type(peer):
    peer.send(peer.made_record(99, MESSAGE))


def a_fatal_alert(peer):
    peer.send(peer.made_record(21, b"\x02\x28"))


AFTER_THE_HANDSHAKE = [
    cut_at_every_byte,
    many_records_at_once,
    a_large_record_in_two_parts,
    garbage,
    garbage_after_a_record,
    a_record_that_was_changed,
    a_record_twice,
    close_within_a_record,
    close_without_close_notify,
    close_notify_and_more,
    half_close,
    reset,
    a_few_empty_records,
    a_flood_of_empty_records,
    a_flood_of_key_updates,
    a_key_update_and_no_new_key,
    a_key_update_of_no_known_kind,
    too_much_in_a_record,
    a_length_that_is_not_allowed,
    a_record_of_no_known_type,
    a_fatal_alert,
]


def no_client_hello(sock):
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")


def nothing_and_close(sock):
    sock.close()


def half_a_client_hello(sock):
    client = contexts()[0]
    outgoing = ssl.MemoryBIO()
    tls = client.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    sock.sendall(outgoing.read()[:100])
    sock.shutdown(socket.SHUT_WR)


def nothing_at_all(sock):
    """The handshake ends by its timeout."""


BEFORE_THE_HANDSHAKE = [no_client_hello, nothing_and_close, half_a_client_hello, nothing_at_all]


def in_thread(function, *arguments):
    """Call *function* in a thread; return the thread and the list that gets its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*arguments)))
    thread.start()
    return thread, results


async def serve(loop, kind, talk, handshake_timeout=10):
    """What happens to a protocol of *kind* while *talk*, in a thread, has the server's address."""
    told = []
    loop.set_exception_handler(
        lambda loop, context: told.append((context["message"], repr(context.get("exception"))))
    )
    protocols = []

    def factory():
        protocols.append(kind(loop))
        return protocols[-1]

    server = await loop.create_server(
        factory, "127.0.0.1", 0, ssl=contexts()[1], ssl_handshake_timeout=handshake_timeout
    )
    thread, results = in_thread(talk, server.sockets[0].getsockname())
    while thread.is_alive() or not protocols:
        await asyncio.sleep(0.005)
    (protocol,) = protocols
    if protocol.made:
        await protocol.lost
    server.close()
    await asyncio.sleep(0.01)
    return bytes(protocol.data), protocol.events, told, results


@pytest.mark.parametrize("kind", [Recording, Buffered], ids=["data_received", "get_buffer"])
@pytest.mark.parametrize("misbehave", AFTER_THE_HANDSHAKE, ids=lambda case: case.__name__)
def test_after_the_handshake(any_loop, plain_loop, misbehave, kind):
    def talk(address):
        peer = Peer(address)
        try:
            misbehave(peer)
            received = peer.received() if peer.sock.fileno() >= 0 else None
        finally:
            peer.close()
        return received

    expected = run(plain_loop, serve(plain_loop, kind, talk))
    assert run(any_loop, serve(any_loop, kind, talk)) == expected
    assert expected[3], "the peer has failed"


@pytest.mark.parametrize("misbehave", BEFORE_THE_HANDSHAKE, ids=lambda case: case.__name__)
def test_before_the_handshake(any_loop, plain_loop, misbehave):
    def talk(address):
        with socket.create_connection(address) as sock:
            sock.settimeout(10)
            misbehave(sock)
            if sock.fileno() < 0:
                return None
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(4096):
                    pass
            return "ended"

    expected = run(plain_loop, serve(plain_loop, Recording, talk, 0.3))
    assert run(any_loop, serve(any_loop, Recording, talk, 0.3)) == expected
    assert expected[3], "the peer has failed"
