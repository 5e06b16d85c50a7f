"""Stream: its life, hostile sockets, and what reads from files."""

import csv
import gc
import http.client
import io
import os
import pickle
import socket
import sys
import threading
import weakref

import pytest
from support.streams import KINDS, connection

# Life


def test_what_it_is(pysock, stream):
    a, file = stream
    assert isinstance(file, io.BufferedIOBase) and isinstance(file, pysock.Stream)
    assert (file.readable(), file.writable(), file.seekable(), file.isatty()) == (1, 1, 0, 0)
    assert file.fileno() == file.sock.fileno() and file.closed is False
    assert repr(file.sock) in repr(file)
    for call in (lambda: file.seek(0), file.tell, file.truncate):
        with pytest.raises(io.UnsupportedOperation):
            call()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(file, protocol)
    assert weakref.ref(file)() is file


CALLS = {
    "read": lambda s: s.read(1),
    "read1": lambda s: s.read1(),
    "readexactly": lambda s: s.readexactly(1),
    "readinto": lambda s: s.readinto(bytearray(1)),
    "readinto1": lambda s: s.readinto1(bytearray(1)),
    "readinto_exactly": lambda s: s.readinto_exactly(bytearray(1)),
    "readline": lambda s: s.readline(),
    "readlines": lambda s: s.readlines(),
    "readuntil": lambda s: s.readuntil(b"\n"),
    "peek": lambda s: s.peek(),
    "iteration": lambda s: next(iter(s)),
    "write": lambda s: s.write(b"x"),
    "writelines": lambda s: s.writelines([b"x"]),
    "flush": lambda s: s.flush(),
    "fileno": lambda s: s.fileno(),
    "readable": lambda s: s.readable(),
    "with": lambda s: s.__enter__(),
    "detach": lambda s: s.detach(),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("ended", ["close", "detach"])
def test_of_no_more_use(pysock, pair, name, ended):
    a, b = pair
    stream = pysock.Stream(b)
    a.sendall(b"some\n")
    assert getattr(stream, ended)() is (None if ended == "close" else b)
    with pytest.raises(ValueError):
        CALLS[name](stream)
    stream.close()  # twice is once; and not the socket that was given back
    assert (b.fileno() == -1) == (ended == "close")


def test_detach_does_not_lose_what_was_received(pysock, stream):
    a, file = stream
    a.sendall(b"200 go ahead\r\nINJECTED")
    assert file.readline() == b"200 go ahead\r\n"
    with pytest.raises(ValueError, match="8 received bytes"):
        file.detach()
    assert file.read1() == b"INJECTED"
    file.write(b"last")
    with file.detach() as sock:
        assert sock.gettimeout() is None
        assert a.recv(9) == b"last"
        assert "detached" in repr(file) and file.sock is None


def test_close_closes_the_socket_whatever_happens(pysock, pair):
    a, b = pair
    b.settimeout(0.01)
    b.setsockopt(pysock.SOL_SOCKET, pysock.SO_SNDBUF, 4096)
    stream = pysock.Stream(b)
    with pytest.raises(TimeoutError):
        stream.write(bytes(1 << 20))
    with pytest.raises(TimeoutError):
        stream.close()
    assert stream.closed and b.fileno() == -1


def test_a_stream_that_is_dropped_leaves_the_socket_alone(pysock, pair):
    a, b = pair
    a.sendall(b"first\nsecond\n")
    assert pysock.Stream(b).readline() == b"first\n"
    gc.collect()
    b.sendall(b"still here")
    assert a.recv(99) == b"still here"


def test_sockets_that_have_no_streams(pysock, udp_pair):
    for sock in udp_pair:
        with pytest.raises(ValueError, match="SOCK_STREAM"):
            pysock.Stream(sock)
    for bad in (None, 3, "socket", object()):
        with pytest.raises(TypeError):
            pysock.Stream(bad)
    with pysock.socket() as sock:
        for sizes in ({"limit": 0}, {"limit": -1}, {"buffer_size": 0}, {"buffer_size": -1}):
            with pytest.raises(ValueError):
                pysock.Stream(sock, **sizes)
        with pytest.raises(TypeError):
            pysock.Stream(sock, 9)
        stream = pysock.Stream(sock)
        with pytest.raises(OSError):
            stream.readline()  # not connected
        sock.close()
        with pytest.raises(OSError):
            stream.readline()


def test_a_subclass_with_arguments_of_its_own(pysock, pair):
    class Named(pysock.Stream):
        def __init__(self, label, sock):
            self.label = label
            super().__init__(sock, limit=10)

    a, b = pair
    a.sendall(b"line\n")
    with Named("one", b) as stream:
        assert stream.label == "one" and stream.readline() == b"line\n"
        with pytest.raises(RuntimeError):
            stream.__init__("two", a)
        assert stream.sock is b


def test_a_stream_without_a_socket(pysock):
    stream = pysock.Stream.__new__(pysock.Stream)
    for call in CALLS.values():
        with pytest.raises(ValueError, match="uninitialized"):
            call(stream)
    assert stream.sock is None and not stream.closed
    stream.close()
    with pytest.raises(TypeError):
        stream.__init__("no socket")


# Hostile sockets and arguments


class Liar(socket.socket):
    """A socket whose methods do what they should not."""

    answer = None

    def recv_into(self, buffer, *more):
        return self.answer(buffer)

    def send(self, data, *more):
        return self.answer(data)


@pytest.mark.parametrize("answer", [-1, sys.maxsize, "3", None, 2.5])
def test_a_socket_that_lies_about_what_it_moved(pysock, answer):
    with Liar() as sock:
        sock.answer = lambda buffer: answer
        stream = pysock.Stream(sock)
        for call in (stream.read1, lambda: stream.read(100_000)):
            with pytest.raises((OSError, TypeError)):
                call()
        stream.write(b"abc")
        with pytest.raises((OSError, TypeError)):
            stream.flush()
        with pytest.raises((OSError, TypeError)):
            stream.close()
        assert sock.fileno() == -1


def test_a_socket_that_keeps_and_breaks_the_buffer(pysock):
    kept = []

    def answer(buffer):
        kept.append(buffer)
        buffer[:3] = b"abc"
        return 3

    with Liar() as sock:
        sock.answer = answer
        stream = pysock.Stream(sock)
        assert stream.read(6) == b"abcabc"
        assert stream.readexactly(100_002) == b"abc" * 33334
        for view in kept:
            view[:] = b"!" * len(view)  # memory of its own: nothing breaks
        assert stream.read1() == b"abc"


def test_a_socket_that_closes_its_stream(pysock):
    with Liar() as sock:
        stream = pysock.Stream(sock)

        def answer(buffer):
            stream.close()
            return 0

        sock.answer = answer
        assert stream.read(6) == b""
        assert stream.closed


def test_arguments_that_close_the_stream(pysock, stream):
    a, file = stream

    class Index:
        def __index__(self):
            file.close()
            return 3

    a.sendall(b"abcdef")
    with pytest.raises(ValueError):
        file.read(Index())


# What reads from files


def test_text(stream):
    a, file = stream
    with io.TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
        a.sendall("Grüße, Jürgen ❤\nzweite Zeile\n".encode())
        assert text.readline() == "Grüße, Jürgen ❤\n"
        assert next(text) == "zweite Zeile\n"
        text.write("zurück\n")
        text.flush()
        assert a.recv(99).decode() == "zurück\n"
    assert file.closed


def test_its_name_is_the_descriptor_as_that_of_a_makefile_is(stream):
    """Type checkers ask for it of what a TextIOWrapper is given, whose repr() shows it."""
    a, file = stream
    text = io.TextIOWrapper(file)
    with file.sock.makefile("rb") as theirs:
        assert text.name == file.name == theirs.name == file.fileno()
    assert f"name={file.name}" in repr(text)
    text.close()
    theirs.close()
    assert file.name == theirs.raw.name == -1


def test_a_detached_stream_has_no_descriptor_in_its_name(stream):
    _, file = stream
    sock = file.detach()
    assert sock.fileno() > 0
    assert file.name == -1
    sock.close()


def test_csv(stream):
    a, file = stream
    a.sendall(b'1,"two\nlines",3\r\n4,5,6\r\n')
    a.shutdown(socket.SHUT_WR)
    with io.TextIOWrapper(file, newline="") as text:
        assert list(csv.reader(text)) == [["1", "two\nlines", "3"], ["4", "5", "6"]]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(stream, protocol):
    a, file = stream
    things = [{"key": list(range(1000))}, "text " * 5000, os.urandom(200_000), None]
    pickled = b"".join(pickle.dumps(thing, protocol) for thing in things)
    sender = threading.Thread(target=a.sendall, args=(pickled,))
    sender.start()
    assert [pickle.load(file) for _ in things] == things
    sender.join()

    def dump():
        for thing in things:
            pickle.dump(thing, file, protocol)
        file.flush()

    sender = threading.Thread(target=dump)
    sender.start()
    with a.makefile("rb") as oracle:
        assert [pickle.load(oracle) for _ in things] == things
    sender.join()


@pytest.mark.parametrize("kind", KINDS)
def test_http_client(pysock, kind):
    """http.client reads its responses from a Stream: bodies by length, in chunks, and in pieces."""

    class OnAStream:
        def __init__(self, sock):
            self.stream = pysock.Stream(sock)

        def makefile(self, *arguments, **more):
            return self.stream

    with connection(pysock, kind) as (a, b):
        a.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Long: " + b"y" * 9000 + b"\r\n\r\nhello"
        )
        response = http.client.HTTPResponse(OnAStream(b))
        response.begin()
        assert (response.status, len(response.headers["x-long"])) == (200, 9000)
        assert response.read() == b"hello"
    with connection(pysock, kind) as (a, b):
        chunks = b"".join(b"%x\r\n%s\r\n" % (n, b"z" * n) for n in (1, 9, 5000)) + b"0\r\n\r\n"
        a.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        response = http.client.HTTPResponse(OnAStream(b))
        response.begin()
        assert response.read(4) == b"zzzz"
        room = bytearray(100)
        assert response.readinto(room) == 100
        assert response.peek(1)[:1] == b"z"
        assert len(response.read()) == 5010 - 104
        response.close()
        b.close()
