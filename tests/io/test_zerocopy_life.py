"""Zero-copy sends of sockets that are closed, dropped, duplicated, handed on or shared."""

import contextlib
import gc
import hashlib
import os
import pathlib
import select
import subprocess
import sys
import threading
import time
import warnings
from importlib import import_module

import pytest
from support.zerocopy import (
    PIECE,
    Reader,
    fill,
    is_held,
    noise,
    pieces,
    read_exactly,
    tcp,
)


@pytest.fixture
def counted(pysock):
    """How many sockets something is remembered of; at the end it must be what it was."""
    if pysock.BACKEND == "stdlib":
        return lambda: 0
    return import_module(f"{pysock.__name__}._compiled.io.zerocopy_pending").sockets_remembered


@contextlib.contextmanager
def warned(zero, pattern):
    """A ResourceWarning, where zero-copy sends can be pending at all."""
    with pytest.warns(ResourceWarning, match=pattern) if zero else contextlib.nullcontext() as came:
        yield
    assert not zero or [warning.filename for warning in came] == [__file__]


# What arrives after the sender has gone


def use_memory_again():
    """Fill memory that has been freed with something else."""
    gc.collect()
    return [bytearray(b"\xff") * PIECE for _ in range(100)]


def test_closed_with_sends_pending(pysock, zero):
    with tcp(pysock) as (a, b):
        went, _ = fill(a, pieces())
        pending = a.zerocopy_pending()
        with warned(zero, f"was closed with {pending} zero-copy sends pending"):
            a.close()
        used = use_memory_again()
        assert Reader(b).all() == went
        assert used


def test_closed_by_a_with_block(pysock, zero):
    with tcp(pysock) as (a, b):
        with warned(zero, "zero-copy sends pending"), a:
            went, _ = fill(a, pieces())
        used = use_memory_again()
        assert Reader(b).all() == went
        assert used


def test_closed_after_its_files(pysock, zero):
    with tcp(pysock) as (a, b):
        file = a.makefile("rb")
        went, _ = fill(a, pieces())
        a.close()
        with warned(zero, "zero-copy sends pending"):
            file.close()
        assert Reader(b).all() == went


def test_closed_when_all_is_done(pysock, counted):
    before = counted()
    with tcp(pysock) as (a, b):
        buffer = bytearray(noise(5000))
        a.send_zerocopy(buffer)
        read_exactly(b, 5000)
        wait_for_notice(a)
        a.close()  # without a warning: what the kernel has told by now is taken
        assert not is_held(buffer)
        assert counted() == before


def wait_for_notice(sock):
    """Wait for the kernel to tell of a send that is done; the fallback has none to tell of."""
    poll = select.poll()
    poll.register(sock, 0)
    poll.poll(200)


def connection(module):
    with module.create_server(("127.0.0.1", 0)) as listener:
        client = module.create_connection(listener.getsockname())
        return client, listener.accept()[0]


def test_collected_with_sends_pending(pysock):
    a, b = connection(pysock)
    with b:
        went, _ = fill(a, pieces())
        with pytest.warns(ResourceWarning, match="unclosed"):
            del a
            gc.collect()
        used = use_memory_again()
        assert Reader(b).all() == went
        assert used


EXITS = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import pysock

def sends():
    sock = pysock.create_connection(("127.0.0.1", int(sys.argv[2])))
    sock.setblocking(False)
    digest = hashlib.sha256()
    for seed in range(1000):
        buffer = bytearray(hashlib.shake_128(bytes([seed % 250])).digest(1 << 18))
        try:
            digest.update(buffer[: sock.send_zerocopy(buffer)])
        except BlockingIOError:
            print(digest.hexdigest())
            return sock
    raise SystemExit("it was never full")

class Last:
    def __init__(self, sock):
        self.sock = sock

    def __del__(self):
        self.sock = None  # then memory is used again
        self.memory = [bytearray(b"\\xff") * (1 << 18) for _ in range(100)]

last = Last(sends())
"""


def test_an_interpreter_that_exits_with_sends_pending(pysock):
    with pysock.create_server(("127.0.0.1", 0)) as listener:
        root = pathlib.Path(pysock.__file__).parents[1]
        env = dict(os.environ, PYSOCK_NO_EXTENSIONS="1" if pysock.BACKEND == "stdlib" else "")
        command = [sys.executable, "-W", "ignore", "-c", EXITS, root]
        command += [str(listener.getsockname()[1])]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        said, _ = process.communicate()  # it is gone before anything more is read
        assert process.returncode == 0
        b, _ = listener.accept()
        with b:
            assert hashlib.sha256(Reader(b).all()).hexdigest() == said.strip()


def test_a_subclass_with_more_to_close(pysock, zero):
    class Special(pysock.socket):
        closed = 0

        def _real_close(self, *args):
            Special.closed += 1
            super()._real_close(*args)

    with tcp(pysock) as (a, b):
        special = Special(fileno=a.detach())
        went, _ = fill(special, pieces())
        with warned(zero, "zero-copy sends pending"):
            special.close()
        assert Special.closed == 1
        assert Reader(b).all() == went


def test_a_warning_that_is_an_error_comes_after_the_closing(pysock, zero):
    with tcp(pysock) as (a, _):
        fill(a, pieces())
        with pytest.raises(ResourceWarning) if zero else contextlib.nullcontext():
            a.close()
        assert a.fileno() == -1
        a.close()


# The kernel's socket, and the objects that stand for it


def test_detached_and_taken_over(pysock, zero, counted):
    before = counted()
    a, b = connection(pysock)
    with b:
        went, sends = fill(a, pieces())
        pending = a.zerocopy_pending()
        with pysock.socket(fileno=a.detach()) as heir:
            del a
            gc.collect()
            assert heir.zerocopy_pending() == pending
            buffer = bytearray(PIECE)
            reader = Reader(b)
            assert heir.send_zerocopy(buffer) == PIECE
            assert heir.reap_zerocopy(30)[0] == (sends + 1) * zero
            assert not is_held(buffer)
            heir.shutdown(pysock.SHUT_WR)
            assert reader.all() == went + bytes(PIECE)
    assert counted() == before


def test_duplicated(pysock, zero, counted):
    before = counted()
    with tcp(pysock) as (a, b), a.dup() as twin:
        went, sends = fill(a, pieces())
        pending = a.zerocopy_pending()
        assert twin.zerocopy_pending() == pending
        with warned(False, ""):
            a.close()  # the twin can still reap
        reader = Reader(b)
        assert twin.send_zerocopy(b"more") == 4
        assert twin.reap_zerocopy(30)[0] == (sends + 1) * zero
        twin.shutdown(pysock.SHUT_WR)
        assert reader.all() == went + b"more"
        twin.close()
        assert counted() == before


def test_another_socket_under_the_same_number(pysock, zero):
    """A descriptor's number says nothing: the kernel's cookie does."""
    with tcp(pysock) as (a, b), tcp(pysock) as (c, d), a.dup() as twin:
        _, sends = fill(a, pieces())
        pending = a.zerocopy_pending()
        os.dup2(c.fileno(), a.fileno())
        assert a.zerocopy_pending() == 0
        buffer = bytearray(noise(5000))
        assert a.send_zerocopy(buffer) == 5000
        assert read_exactly(d, 5000) == buffer
        assert a.reap_zerocopy(30)[0] == zero
        assert twin.zerocopy_pending() == pending
        twin.shutdown(pysock.SHUT_WR)
        assert Reader(b).all()
        assert twin.reap_zerocopy(30)[0] == sends * zero


def test_a_number_that_is_given_away_while_a_send_waits(pysock):
    """Another thread closes the socket; what is left of the send is not the new owner's."""
    mine, theirs = pysock.socketpair()
    with mine, theirs, tcp(pysock) as (a, b), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of what is pending then
        number = a.fileno()
        sending = threading.Thread(target=a.send_zerocopy, args=[noise(20_000_000)])
        sending.start()
        time.sleep(0.2)
        a.close()
        os.dup2(mine.fileno(), number)
        reader = Reader(b)
        sending.join(10)
        os.close(number)
        reader.all()
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_a_new_object_at_the_same_place_inherits_nothing(pysock, zero, counted):
    before = counted()
    for _ in range(20):
        with tcp(pysock) as (a, b):
            assert a.zerocopy_pending() == 0
            assert a.send_zerocopy(noise(5000)) == 5000
            read_exactly(b, 5000)
            assert a.reap_zerocopy(30) in ((1, 0), (1, 1)) if zero else a.reap_zerocopy() == (0, 0)
        del a, b
    assert counted() == before


def test_a_closed_socket(pysock):
    sock = pysock.socket()
    sock.close()
    for call in (sock.zerocopy_pending, sock.reap_zerocopy, lambda: sock.send_zerocopy(b"x")):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()


def test_a_subclass_that_sends_in_its_own_way(pysock):
    """ssl.SSLSocket is one: nothing may go past its send()."""

    class Loud(pysock.socket):
        def send(self, data, flags=0):
            return super().send(bytes(data).upper(), flags)

    with tcp(pysock) as (a, b), Loud(fileno=a.detach()) as loud:
        assert loud.send_zerocopy(b"quiet") == 5
        assert loud.zerocopy_pending() == 0
        assert b.recv(10) == b"QUIET"
