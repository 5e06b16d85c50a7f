"""Sockets whose own methods move the bytes and wait by themselves: TLS above all.

Time that is theirs alone while others use the socket, and EAGAIN under its own name.
"""

import contextlib
import errno
import os
import random
import socket
import ssl
import threading
import time

import pytest
from support.streams import connection, pieces_until_closed
from support.whole_streams import tls

MUCH = bytes(5_000_000)


@pytest.fixture
def ends(pysock):
    """A TLS connection of a class on pysock's: ours, theirs."""
    with tls(pysock) as (ours, theirs):
        theirs.setblocking(True)
        yield ours, theirs


def test_what_is_not_there_yet(pysock):
    with connection(pysock, "tls") as (_, b), pysock.Stream(b) as stream:
        b.setblocking(False)
        for call in (
            stream.read,
            stream.read1,
            stream.readline,
            stream.peek,
            lambda: stream.read(1),
        ):
            with pytest.raises(BlockingIOError) as caught:
                call()
            assert isinstance(caught.value.__cause__, ssl.SSLWantReadError)


def test_what_there_is_of_more(pysock):
    with connection(pysock, "tls") as (a, b), pysock.Stream(b) as stream:
        a.sendall(b"abc")
        b.setblocking(False)
        assert stream.read(10) == b"abc"
        a.sendall(b"def")
        room = bytearray(10)
        assert stream.readinto(room) == 3 and room[:3] == b"def"


def test_what_there_is_no_room_for(pysock):
    with connection(pysock, "tls") as (a, b):
        b.setblocking(False)
        stream = pysock.Stream(b)
        with pytest.raises(BlockingIOError) as caught:
            stream.write(MUCH)
        assert isinstance(caught.value.__cause__, ssl.SSLWantWriteError)
        assert 0 < caught.value.characters_written < len(MUCH)
        came = []
        taker = threading.Thread(target=lambda: came.extend(pieces_until_closed(a)))
        taker.start()
        b.setblocking(True)
        stream.write(MUCH[caught.value.characters_written :])
        stream.close()
        taker.join()
        assert sum(map(len, came)) == len(MUCH)


def test_whole_transfers_without_waiting(ends):
    ours, theirs = ends
    ours.setblocking(False)
    theirs.sendall(b"abc")
    with pytest.raises(BlockingIOError) as caught:
        ours.recv_exactly(10)
    assert caught.value.partial == b"abc"
    with pytest.raises(BlockingIOError) as caught:
        ours.recv_exactly_into(bytearray(10))
    assert caught.value.bytes_received == 0
    with pytest.raises(BlockingIOError) as caught:
        ours.sendmsg_all([MUCH])
    assert 0 < caught.value.bytes_sent < len(MUCH)


def test_what_a_broken_call_sent_and_the_rest(ends):
    """A record that OpenSSL could not send counts as not sent, and goes on where it was."""
    ours, theirs = ends
    data = random.randbytes(8_000_000)
    came = []
    taker = threading.Thread(target=lambda: came.extend(iter(lambda: theirs.recv(65536), b"")))
    with pytest.raises(TimeoutError) as caught:
        ours.sendmsg_all([data[:1_000_000], data[1_000_000:]], timeout=0.05)
    assert 0 < caught.value.bytes_sent < len(data)
    taker.start()
    ours.sendmsg_all([data[caught.value.bytes_sent :]])
    ours.shutdown(socket.SHUT_WR)
    taker.join()
    assert b"".join(came) == data


class Own:
    """Methods of its own, which do no more than those of the socket."""

    def recv(self, *arguments):
        return super().recv(*arguments)

    def recv_into(self, *arguments):
        return super().recv_into(*arguments)

    def send(self, *arguments):
        return super().send(*arguments)


class Hurried(Own):
    """Sets the least of timeouts before it receives, as a call in another thread can do."""

    def recv(self, *arguments):
        self.settimeout(0.01)
        return super().recv(*arguments)

    def recv_into(self, *arguments):
        self.settimeout(0.01)
        return super().recv_into(*arguments)


@contextlib.contextmanager
def pair_of(pysock, kind):
    a, b = pysock.socketpair()
    with a, type(kind.__name__, (kind, pysock.socket), {})(fileno=b.detach()) as own:
        yield a, own


def reading(pysock, ours):
    return pysock.Stream(ours).readexactly


def receiving(pysock, ours):
    return ours.recv_exactly


@pytest.mark.parametrize("own", [None, 20, 0])
@pytest.mark.parametrize("read", [reading, receiving])
def test_a_reader_and_a_writer_with_times_of_their_own(pysock, read, own):
    """The reader's time ends neither with the writer's nor by it; the socket's is as it was.

    Not over TLS: `ssl` takes the state of the one thread for the other's.
    """
    with pair_of(pysock, Own) as (theirs, ours):
        ours.settimeout(own)
        read = read(pysock, ours)
        got = []
        reader = threading.Thread(target=lambda: got.append(read(5, timeout=30)))
        reader.start()
        for _ in range(20):  # short loans beside the long one
            ours.sendmsg_all([b"abc"], timeout=0.01)
            time.sleep(0.005)
        with pytest.raises(TimeoutError):
            ours.sendmsg_all([MUCH], timeout=0.05)
        assert reader.is_alive()
        theirs.sendall(b"hello")
        reader.join()
        assert got == [b"hello"]
        assert ours.gettimeout() == own


@pytest.mark.parametrize("timeout", [30, None])
@pytest.mark.parametrize("read", [reading, receiving])
def test_time_is_over_when_it_is_over(pysock, read, timeout):
    with pair_of(pysock, Hurried) as (a, b):
        later = threading.Timer(0.1, a.sendall, [b"hello"])
        later.start()
        b.settimeout(5)
        assert read(pysock, b)(5, timeout=timeout) == b"hello"
        later.join()
        with pytest.raises(TimeoutError):
            read(pysock, b)(5, timeout=0.05)


def test_an_error_of_the_connection_is_not_the_time(pysock):
    """ETIMEDOUT is a TimeoutError, too."""
    calls = []

    class Lost(Own):
        def recv_into(self, *arguments):
            calls.append(1)
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    with pair_of(pysock, Lost) as (_, b), pytest.raises(TimeoutError) as caught:
        pysock.Stream(b).read(5, timeout=30)
    assert caught.value.errno == errno.ETIMEDOUT and calls == [1]


@pytest.mark.parametrize("timeout", [30, None])
@pytest.mark.parametrize("read", [reading, receiving])
def test_a_timeout_of_the_methods_own_is_not_the_sockets(pysock, read, timeout):
    """Nobody else has lent the socket: what the method raises is its answer."""
    calls = []

    class Impatient(Own):
        def recv(self, *arguments):
            calls.append(1)
            assert len(calls) < 10
            raise TimeoutError("a limit of its own")

        recv_into = recv

    with pair_of(pysock, Impatient) as (_, b):
        b.settimeout(5)
        with pytest.raises(TimeoutError, match="a limit of its own"):
            read(pysock, b)(5, timeout=timeout)
    assert calls == [1]


def test_in_a_child_nobody_has_borrowed(pysock):
    with pair_of(pysock, Own) as (a, b):
        reader = threading.Thread(target=lambda: b.recv_exactly(5, timeout=30))
        reader.start()
        time.sleep(0.1)
        child = os.fork()
        if not child:
            try:
                os._exit(b.sendmsg_all([b"abc"], timeout=10) is not None)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert a.recv(10) == b"abc"
        a.sendall(b"hello")
        reader.join()
        assert b.gettimeout() is None
