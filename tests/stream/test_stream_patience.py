"""Stream: its patience. Timeouts and deadlines of a call, of the socket, of the kernel."""

import os
import struct
import threading
import time

import pytest
from support.streams import KINDS, connection


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", [None, 0.05, 30])
def test_a_timeout_of_the_call_beside_the_sockets_own(pysock, kind, own):
    with connection(pysock, kind) as (a, b), pysock.Stream(b) as stream:
        b.settimeout(own)
        for arguments in ({"timeout": 0.05}, {"deadline": time.monotonic() + 0.05}):
            begun = time.monotonic()
            with pytest.raises(TimeoutError):
                stream.readline(**arguments)
            assert time.monotonic() - begun < 5
            assert b.gettimeout() == own
        if own == 0.05:
            with pytest.raises(TimeoutError):
                stream.readline()
            timer = threading.Timer(0.15, a.sendall, [b"late\n"])
            timer.start()
            assert stream.readline(timeout=None) == b"late\n"
            timer.join()
        assert b.gettimeout() == own


@pytest.mark.parametrize("kind", KINDS)
def test_ten_timeouts_and_then_all_of_it(pysock, kind):
    record = bytes(range(48, 58)) + b"\n"
    with connection(pysock, kind) as (a, b), pysock.Stream(b) as stream:
        reads = [
            lambda: stream.readline(timeout=0.001),
            lambda: stream.readexactly(11, timeout=0.001),
            lambda: stream.readuntil(b"9\n", timeout=0.001),
            lambda: stream.read(11, timeout=0.001),
        ]
        for read in reads:
            for byte in record[:-1]:
                a.sendall(bytes([byte]))
                with pytest.raises(TimeoutError):
                    read()
            a.sendall(record[-1:])
            assert read() == record


READS = {
    "readline": lambda stream: stream.readline(),
    "readexactly": lambda stream: stream.readexactly(10),
    "readuntil": lambda stream: stream.readuntil(b"8\n"),
    "read": lambda stream: stream.read(10),
}


@pytest.mark.parametrize("kind", ["plain", "standard"])
@pytest.mark.parametrize("name", READS)
def test_kernel_timeouts_of_a_blocking_socket_are_obeyed(pysock, kind, name):
    with connection(pysock, kind) as (a, b), pysock.Stream(b) as stream:
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVTIMEO, struct.pack("ll", 0, 20_000))
        rescue = threading.Timer(5, b.shutdown, [pysock.SHUT_RDWR])
        rescue.start()
        for byte in b"012345678":
            with pytest.raises(BlockingIOError):
                READS[name](stream)
            a.sendall(bytes([byte]))
        a.sendall(b"\n")
        assert READS[name](stream) == b"012345678\n"
        rescue.cancel()
        rescue.join()


def test_a_kernel_timeout_of_flush_sends_nothing_twice(pysock, pair):
    a, b = pair
    b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
    b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDTIMEO, struct.pack("ll", 0, 20_000))
    stream = pysock.Stream(b)
    data, got = os.urandom(60_000), b""
    assert stream.write(data) == len(data)
    rescue = threading.Timer(5, b.shutdown, [pysock.SHUT_RDWR])
    rescue.start()
    in_vain = 0
    while len(got) < len(data):
        try:
            stream.flush()
        except BlockingIOError:
            in_vain += 1
        got += a.recv(len(data))
    assert got == data and in_vain > 1
    rescue.cancel()
    rescue.join()
    stream.close()


@pytest.mark.parametrize("name", ["readline", "readexactly", "readuntil", "read"])
def test_one_deadline_for_a_peer_that_sends_drop_by_drop(pysock, stream, name):
    a, file = stream
    over = threading.Event()
    sent = []

    def drip():
        while not over.wait(0.02):
            a.sendall(b"x")
            sent.append(b"x")

    peer = threading.Thread(target=drip)
    peer.start()
    argument = {"readexactly": (1000,), "read": (1000,)}.get(name, ())
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        getattr(file, name)(*argument, timeout=0.3)
    spent = time.monotonic() - begun
    over.set()
    peer.join()
    assert 0.3 <= spent < 3
    assert file.readexactly(len(sent)) == b"".join(sent)


def test_one_deadline_for_a_peer_that_never_pauses(pysock, pair):
    """Nothing ever has to wait, and still the call comes to an end; every byte is there."""
    a, b = pair
    stream = pysock.Stream(b)
    sent = []

    def flood():
        block = os.urandom(8192)
        try:
            while True:
                sent.append(block[: a.send(block)])
        except OSError:
            pass

    peer = threading.Thread(target=flood)
    peer.start()
    with pytest.raises(TimeoutError):
        stream.read(timeout=0.2)
    got = stream.read1()
    stream.close()
    peer.join()
    assert len(got) > 100_000
    assert b"".join(sent).startswith(got)


def test_a_reset_loses_nothing_that_was_received(pysock, tcp_pair):
    client, server = tcp_pair
    with pysock.Stream(client) as stream:
        server.sendall(b"some bytes")
        assert stream.peek() == b"some bytes"
        server.setsockopt(pysock.SOL_SOCKET, pysock.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with pytest.raises(ConnectionResetError):
            stream.readexactly(99)
        assert stream.readexactly(10) == b"some bytes"


def test_a_timeout_between_two_tls_records(pysock):
    """A timeout between two records: the next call goes on where the first one stopped."""
    with connection(pysock, "tls") as (a, b), pysock.Stream(b) as stream:
        a.sendall(b"x" * 16000 + b"\n")
        with pytest.raises(TimeoutError):
            stream.readuntil(b"no such thing", timeout=0.01)
        a.sendall(b"and the rest, no such thing")
        assert stream.readuntil(b"no such thing", timeout=9).endswith(b"rest, no such thing")
