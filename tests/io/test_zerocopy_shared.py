"""Zero-copy sends of a socket that others have, too: options, sends by hand, processes, threads."""

import contextlib
import os
import threading

import pytest
from support.zerocopy import (
    MSG_ZEROCOPY,
    SO_ZEROCOPY,
    Reader,
    alarm,
    fill,
    is_held,
    noise,
    pieces,
    read_exactly,
    tcp,
)

# Other hands


def test_so_zerocopy_set_by_others(pysock):
    """How many sends they made is not known: then all are copied."""
    with tcp(pysock) as (a, b):
        a.setsockopt(pysock.SOL_SOCKET, SO_ZEROCOPY, 1)
        assert a.send_zerocopy(b"copied") == 6
        assert a.zerocopy_pending() == 0
        assert pysock.capabilities(a)["zerocopy"] == 0
        assert b.recv(10) == b"copied"


def test_so_zerocopy_taken_back(pysock, zero):
    with tcp(pysock) as (a, b):
        a.send_zerocopy(b"abc")
        a.setsockopt(pysock.SOL_SOCKET, SO_ZEROCOPY, 0)
        a.send_zerocopy(b"def")
        a.setsockopt(pysock.SOL_SOCKET, SO_ZEROCOPY, 1)
        a.send_zerocopy(b"ghi")
        assert read_exactly(b, 9) == b"abcdefghi"
        assert a.reap_zerocopy(30)[0] == 2 * zero


def test_sends_by_hand_are_found_out(pysock, zero):
    """After a notice of a send that was not counted nothing is believed, and nothing let go."""
    with tcp(pysock) as (a, b):
        buffer = bytearray(noise(5000))
        a.send_zerocopy(buffer)
        a.send(bytes(5000), MSG_ZEROCOPY)
        a.send(bytes(5000), MSG_ZEROCOPY)
        read_exactly(b, 15_000)
        if not zero:
            assert a.reap_zerocopy() == (0, 0)
            return
        with pytest.raises(RuntimeError, match="MSG_ZEROCOPY"):
            while True:
                a.send_zerocopy(buffer)
                a.reap_zerocopy(30)
                read_exactly(b, 5000)
        assert is_held(buffer)
        assert a.zerocopy_pending() > 0
        assert pysock.capabilities(a)["zerocopy"] == 0
        with pytest.warns(ResourceWarning):
            a.close()


def test_an_error_of_a_datagram_ends_it(pysock, zero):
    """Whether the kernel counted a datagram that was refused is not known: the next are copied."""
    with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as a:
        with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            a.connect(gone.getsockname())
        assert pysock.capabilities(a)["zerocopy"] == zero
        assert a.send_zerocopy(bytes(100)) == 100
        with pytest.raises(ConnectionRefusedError):
            a.send_zerocopy(bytes(100))
        assert pysock.capabilities(a)["zerocopy"] == 0
        assert a.send_zerocopy(bytes(100)) == 100
        assert a.reap_zerocopy(30)[0] == zero


def test_an_unconnected_datagram_socket(pysock, zero):
    with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as a:
        with pytest.raises(OSError, match="Destination address required"):
            a.send_zerocopy(b"x")
        assert a.zerocopy_pending() == 0
        assert pysock.capabilities(a)["zerocopy"] == zero


def test_a_fork(pysock, zero):
    """The child has the socket, not the sends: what it sends is copied, and counts for nobody."""
    with tcp(pysock) as (a, b):
        went, sends = fill(a, pieces())
        pending = a.zerocopy_pending()
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                a.settimeout(30)
                assert a.zerocopy_pending() == 0
                assert a.reap_zerocopy() == (0, 0)
                assert a.send_zerocopy(b"child") == 5
                assert a.zerocopy_pending() == 0
                status = 0
            os._exit(status)
        assert a.zerocopy_pending() == pending
        reader = Reader(b)
        assert os.waitpid(child, 0)[1] == 0
        assert a.send_zerocopy(b"parent") == 6
        assert a.reap_zerocopy(30)[0] == (sends + 1) * zero
        a.shutdown(pysock.SHUT_WR)
        assert reader.all() == went + b"childparent"


def test_a_fork_in_the_middle_of_a_send(pysock, zero):
    """A handler forks while the call waits: what the child does of it is copied."""
    parent, children, readers = os.getpid(), [], []
    with tcp(pysock, sndbuf=1 << 19, rcvbuf=1 << 16) as (a, b):
        went, sends = fill(a, pieces())

        def fork():
            children.append(os.fork())
            if children[0] > 0:
                readers.append(Reader(b))

        status = 1
        try:
            with alarm(0.05, fork):
                a.settimeout(30)
                assert a.send_zerocopy(bytes(1000)) == 1000
            status = a.zerocopy_pending()
        finally:
            if os.getpid() != parent:
                os._exit(status)
        assert os.waitpid(children[0], 0)[1] == 0
        assert a.reap_zerocopy(30)[0] == (sends + 1) * zero
        a.shutdown(pysock.SHUT_WR)
        assert readers[0].all() == went + bytes(2000)


# Threads


def test_threads_that_send_and_one_that_reaps(pysock, zero):
    """Whoever sends, each buffer is held until its own bytes are done, each send counts once."""
    with tcp(pysock) as (a, b):
        reader = Reader(b)
        over = threading.Event()
        completed = []

        def send(letter):
            for _ in range(200):
                buffer = bytearray(letter * 20_000)
                assert a.send_zerocopy(buffer) == 20_000

        def reap():
            while not over.is_set():
                completed.append(a.reap_zerocopy(30)[0])

        reaper = threading.Thread(target=reap)
        senders = [threading.Thread(target=send, args=[letter]) for letter in (b"x", b"y", b"z")]
        for thread in (reaper, *senders):
            thread.start()
        for sender in senders:
            sender.join()
        over.set()
        reaper.join()
        completed.append(a.reap_zerocopy(30)[0])
        assert sum(completed) == 600 * zero
        a.shutdown(pysock.SHUT_WR)
        data = reader.all()
        assert [data.count(letter) for letter in b"xyz"] == [4_000_000] * 3
