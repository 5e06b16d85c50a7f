"""Threads that share: one socket, one list, what C keeps from call to call.

Every byte is checked. Beside a GIL most of this is a matter of course; without one each of these
would find two threads in one place.
"""

import collections
import contextlib
import importlib
import itertools
import os
import socket
import subprocess
import sys
import sysconfig
import threading

import pytest
from support.channels import rest
from support.datagrams import udp
from support.paths import ROOT
from support.threads import each, is_one_byte, together, until

SIZES = (5_000, 5_000, 5_000, 40_000)  # copied out of the spare that C keeps, or handed over


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
        env={**environment, "PYTHONPATH": str(ROOT)},
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
    socket_state = importlib.import_module(f"{pysock.__name__}._shared.socket_state")
    for _ in range(30):
        raised = []
        with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as sock:
            socket_state.defer_error(sock, ZeroDivisionError())

            def take(_, sock=sock, raised=raised):
                try:
                    socket_state.raise_deferred(sock)
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
        got = rest(b)
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

        def open_and_close():
            for _ in range(5):
                os.close(os.open(os.devnull, os.O_RDONLY))  # OSError if it was closed by another

        together(*[sock.close] * 3, *[open_and_close] * 3)


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
