"""Threads that share: one socket, one Stream, one batch, one selector, one list, what C keeps.

Every byte is checked. Beside a GIL most of this is a matter of course; without one each of these
would find two threads in one place.
"""

import collections
import contextlib
import importlib
import itertools
import os
import selectors
import socket
import subprocess
import sys
import sysconfig
import threading
import time

import pytest
from datagrams import udp

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
THREADS = 6
SIZES = (5_000, 5_000, 5_000, 40_000)  # copied out of the spare that C keeps, or handed over


@pytest.fixture(autouse=True)
def switches_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def together(*calls):
    """Each call in a thread of its own, all at once; the first exception of any is raised."""
    start = threading.Barrier(len(calls))
    errors = []

    def run(call):
        start.wait()
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def each(work, count=THREADS):
    """`together`, one function in *count* threads: it is given its number."""
    together(*(lambda number=number: work(number) for number in range(count)))


def is_one_byte(data):
    """Whether *data* is one byte, over and over: no two senders, or two sends, are mixed in it."""
    return data == data[:1] * len(data)


def until(over, call):
    while not over.is_set():
        call()


def receive_all(sock):
    got = bytearray()
    while data := sock.recv(100_000):
        got += data
    return bytes(got)


# The interpreter


@pytest.mark.parametrize("module", ["pysock", "pysock.capi"])
def test_an_import_leaves_the_gil_off(pysock, module):
    if pysock.BACKEND != "c":
        return
    environment = {key: value for key, value in os.environ.items() if key != "PYTHON_GIL"}
    has_gil = getattr(sys, "_is_gil_enabled", None)
    program = f"import sys, {module}; print({'sys._is_gil_enabled()' if has_gil else True})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**environment, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
    )
    built_with = not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert (done.stdout, done.stderr) == (f"{built_with}\n", "")


# What C keeps from call to call


def test_scratch_is_never_two_threads(net):
    """Each has its own sockets; the memory behind them is one."""

    def work(number):
        a, b = net.socketpair()
        with a, b:
            for turn, size in zip(range(3000), itertools.cycle(SIZES)):
                letter = bytes([number * 40 + turn % 40])
                a.sendall(letter * size)
                got = []
                while sum(map(len, got)) < size:
                    got.append(b.recv(262_144))
                assert b"".join(got) == letter * size

    each(work)


def test_room_for_gathering_is_never_two_threads(pysock):
    def work(number):
        a, b = pysock.socketpair()
        with a, b:
            for turn in range(3000):
                buffers = [bytes([number * 40 + turn % 40]) * 900] * (6, 30)[turn % 16 == 0]
                a.sendmsg_all(buffers)
                assert b.recv_exactly(900 * len(buffers)) == b"".join(buffers)

    each(work)


def test_addresses_that_are_remembered(net):
    """More of them than there are places, in each thread in another order."""
    peers = [(f"127.{n % 7}.{n // 7}.9", 1000 + n) for n in range(900)]

    def work(number):
        with net.socket(net.AF_INET, net.SOCK_DGRAM) as sock:
            for turn in range(30_000):
                peer = peers[turn * (7, 11, 13, 17, 19, 23)[number] % len(peers)]
                sock.connect(peer)
                assert sock.getpeername() == peer

    each(work)


def test_numeric_hosts_that_are_remembered(net):
    questions = list(itertools.product(["127.0.0.1", "::1"], [None, 80], [0, 1, 2], [0, 6, 17]))

    def ask(getaddrinfo, question):
        host, port, kind, proto = question
        try:
            return getaddrinfo(host, port, 0, kind, proto)
        except OSError as error:
            return error.args

    expected = {question: ask(socket.getaddrinfo, question) for question in questions}

    def work(number):
        for _ in range(10):
            for question in questions[number:] + questions[:number]:
                assert ask(net.getaddrinfo, question) == expected[question]

    each(work)


def test_a_kept_error_is_raised_once(pysock):
    """Of all threads that come, by one."""
    _remembered = importlib.import_module(f"{pysock.__name__}._remembered")
    for _ in range(30):
        raised = []
        with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as sock:
            _remembered.keep_error(sock, ZeroDivisionError())

            def take(_, sock=sock, raised=raised):
                try:
                    _remembered.raise_kept(sock)
                except ZeroDivisionError as error:
                    raised.append(error)

            each(take)
        assert len(raised) == 1


# A list that changes while it is sent


@pytest.mark.parametrize("size", [20, 1500, 20_000])
def test_buffers_that_another_thread_replaces(pysock, size):
    """What is sent is what stood there at some time: old items are gone by then."""
    a, b = pysock.socketpair()
    buffers = [b"a" * size] * 4
    over = threading.Event()
    letters = itertools.cycle(b"abcdefgh")

    def change():
        fresh = bytes([next(letters)]) * size
        buffers[0] = buffers[3] = fresh
        buffers.append(bytes(bytearray(fresh)))
        del buffers[1]

    def send():
        try:
            for _ in range(16_000_000 // (size + 1000)):
                a.sendmsg_all(buffers)
        finally:
            over.set()
            a.shutdown(pysock.SHUT_WR)

    def check():
        got = receive_all(b)
        assert len(got) % size == 0
        for at in range(0, len(got), size):
            assert is_one_byte(got[at : at + size])

    with a, b:
        together(lambda: until(over, change), send, check)


# One socket


def test_a_descriptor_is_closed_once(net):
    """By whichever of the threads: the others would close what has its number by then."""
    for _ in range(100):
        sock = net.socket()

        def open_and_close(_):
            for _ in range(5):
                os.close(os.open(os.devnull, os.O_RDONLY))  # OSError if it was closed by another

        calls = [sock.close] * 3 + [lambda: open_and_close(0)] * 3
        together(*calls)


def test_datagrams_of_one_socket_in_batches(pysock):
    """Each comes to one thread, and stays as it was while the next ones are received."""
    with udp(pysock, timeout=0.5) as (a, b):
        peer = b.getsockname()
        batches = [[], [], [], []]
        sent_all = []

        def receive(number):
            while True:
                try:
                    batches[number] += b.recvmmsg(20, 1000)
                except TimeoutError:
                    if len(sent_all) == 3:
                        break

        def send(number):
            for turn in range(300):
                letter = bytes([number * 50 + turn % 50])
                a.sendmmsg([letter * 1000, letter * 900, letter * 300], peer)
            sent_all.append(number)

        together(
            *(lambda n=n: receive(n) for n in range(4)), *(lambda n=n: send(n) for n in range(3))
        )
        came = collections.Counter()
        for data, address in itertools.chain(*batches):
            assert is_one_byte(data) and address == a.getsockname()
            came[data[:1], len(data)] += 1
        sent = collections.Counter()
        for number, turn, size in itertools.product(range(3), range(300), (1000, 900, 300)):
            sent[bytes([number * 50 + turn % 50]), size] += 1
        assert came == sent


def test_zero_copy_sends_of_one_socket(pysock, tcp_pair):
    a, b = tcp_pair
    b.settimeout(20)
    done = collections.Counter()
    over = threading.Event()
    buffers = [bytearray([number]) * 20_000 for number in range(4)]
    got = collections.Counter()

    def send(number):
        for _ in range(60):
            left = memoryview(buffers[number])
            while left:
                left = left[a.send_zerocopy(left) :]
                done["sends"] += 0 if left else 1
        left.release()

    def receive():
        for _ in range(4 * 60 * 20):
            got.update(b.recv_exactly(1000))
        over.set()

    def ask():
        assert a.zerocopy_pending() >= 0
        with contextlib.suppress(BlockingIOError, TimeoutError):
            done["reaped"] += a.reap_zerocopy(timeout=0.001).completed

    together(*(lambda n=n: send(n) for n in range(4)), receive, *[lambda: until(over, ask)] * 2)
    a.reap_zerocopy(timeout=20)
    assert a.zerocopy_pending() == 0
    assert got == {number: 60 * 20_000 for number in range(4)}


# One Stream

LINE = b"%07d 0123456789abcdefghijklmnopqrstuvwxyz\n"
LENGTH = len(LINE % 0)


def test_readers_of_one_stream(pysock, stream):
    """Whatever they read it by, each line comes whole, to one of them."""
    peer, stream = stream
    lines = [LINE % number for number in range(30_000)]
    got = [[] for _ in range(THREADS)]
    ways = [
        stream.readline,
        stream.readuntil,
        lambda: stream.read(LENGTH),
        lambda: stream.readexactly(LENGTH),
        lambda: stream.readline(LENGTH),
        lambda: bytes(buffer) if (stream.readinto(buffer := bytearray(LENGTH))) else b"",
    ]

    def read(number):
        with contextlib.suppress(pysock.IncompleteReadError):
            while line := ways[number]():
                got[number].append(line)

    def feed():
        peer.sendall(b"".join(lines))
        peer.shutdown(pysock.SHUT_WR)

    together(feed, *(lambda n=n: read(n) for n in range(THREADS)))
    assert sorted(itertools.chain(*got)) == lines


def test_writers_of_one_stream(pysock, stream):
    peer, stream = stream
    got = []

    def write(number):
        for turn in range(number, 3000, 4):
            stream.write(LINE % turn)
            if turn % 3 == 0:
                stream.flush()
        stream.flush()  # what this thread has written is sent by now, whoever sent it

    def receive():
        got.append(peer.recv_exactly(3000 * LENGTH))

    together(receive, *(lambda n=n: write(n) for n in range(4)))
    assert sorted(got[0].splitlines(True)) == [LINE % turn for turn in range(3000)]


def test_a_stream_is_detached_once(pysock):
    if pysock.BACKEND != "c":
        return  # Python code alone, which any other thread's may come between
    for _ in range(50):
        a, b = pysock.socketpair()
        with a, b:
            stream = pysock.Stream(b)
            given = []

            def detach(_, stream=stream, given=given):
                with contextlib.suppress(ValueError):
                    given.append(stream.detach())

            each(detach, 4)
            assert given == [b]
            repr(stream)


# One batch


@pytest.mark.parametrize("gro", [False, True])
def test_one_batch_looked_at_while_it_receives(pysock, gro):
    """A datagram is whole, or gone; never half of this one and half of the next."""
    if pysock.BACKEND != "c":
        return  # Python code alone, which any other thread's may come between
    with udp(pysock, gro=gro, timeout=60) as (a, b):
        peer = b.getsockname()
        batch = pysock.DatagramBatch(4, 1000)
        over = threading.Event()
        seen = collections.Counter()

        def send():
            for turn in range(400):
                a.sendmmsg([bytes([turn % 250]) * (900 + turn % 50)] * 5, peer)

        def receive():
            try:
                while seen["received"] < 2000:
                    seen["received"] += batch.recv_into(b)
            finally:
                over.set()

        def look():
            try:
                for place in range(len(batch)):
                    datagram = batch[place]
                    data = bytes(datagram)
                    assert is_one_byte(data) and 900 <= len(data) < 950
                    assert datagram.address == a.getsockname()
                    assert not datagram.truncated and datagram.segment_size in (None, len(data))
                    repr(datagram)
                    datagram.data.release()
            except IndexError as error:
                assert "no such datagram" in str(error)
            except RuntimeError as error:
                assert "gone" in str(error)

        together(send, receive, *[lambda: until(over, look)] * 3)
        assert seen["received"] == 2000


def test_one_batch_is_one_threads_at_a_time(pysock):
    with udp(pysock, timeout=0.3) as (a, b):
        batch = pysock.DatagramBatch(4, 100)
        came = collections.Counter()
        a.sendmmsg([b"x" * 50] * 500, b.getsockname())

        def receive(number):
            deadline = time.monotonic() + 10
            with contextlib.suppress(TimeoutError):
                while time.monotonic() < deadline:
                    try:
                        came[number] += batch.recv_into(b)
                    except RuntimeError as error:
                        assert "in use" in str(error)

        each(receive, 4)
        assert 0 < sum(came.values()) <= 500  # a len() may be of another thread's batch
        with pytest.raises(TimeoutError):
            b.recv(100)


# One selector


def test_one_selector_in_many_threads(pysock):
    """Selected in some while others register: what comes is a key, of a socket that is ready."""
    cls = pysock.EpollSelector
    with cls() as selector, contextlib.ExitStack() as stack:
        over = threading.Event()
        pairs = [pysock.socketpair() for _ in range(4)]
        for a, b in pairs:
            stack.callback(a.close)
            stack.callback(b.close)
            a.send(b"ready")
        ready = {b.fileno(): b for _, b in pairs}
        selected = collections.Counter()

        def select():
            for key, events in selector.select(0.01):
                assert key.fileobj is ready[key.fd] and key.data == key.fd
                assert events == selectors.EVENT_READ
                selected[key.fd] += 1

        def register(number):
            sock = pairs[number][1]
            for _ in range(400):
                selector.register(sock, selectors.EVENT_READ, sock.fileno())
                selector.unregister(sock)
            selector.register(sock, selectors.EVENT_READ, sock.fileno())

        def all_registers():
            try:
                together(*(lambda n=n: register(n) for n in range(4)))
                for _ in range(10):
                    select()
            finally:
                over.set()

        together(all_registers, *[lambda: until(over, select)] * 3)
        assert set(selected) == set(ready)
