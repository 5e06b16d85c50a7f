"""sendmmsg and send_segmented: errors after some went out, full buffers, signals, GSO refused."""

import contextlib
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from importlib import import_module

import pytest
from support.datagrams import SO_NO_CHECK, datagrams, drain, fill, network_namespace, udp
from support.paths import ROOT

# Errors in the middle


def gone():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()


@pytest.mark.parametrize("sizes", [[5] * 200, [1, 2] * 20, [9, 3, 3, 8]])
def test_a_receiver_that_is_gone(pysock, sizes):
    """Every refusal is heard of once: by this call if nothing went out, else by the next."""
    with udp(pysock) as (a, b):
        a.connect(gone())
        sent = a.sendmmsg(datagrams(sizes))
        if sent < len(sizes):
            assert sent > 0
        with pytest.raises(ConnectionRefusedError):
            a.sendmmsg([b"x"])
        a.connect(b.getsockname())
        assert a.sendmmsg([b"x", b"yy"]) == 2
        assert [data for data, _ in drain(b)] == [b"x", b"yy"]


def test_a_kept_error_is_raised_by_any_batch_call(pysock):
    calls = [
        lambda a: a.sendmmsg([b"x"]),
        lambda a: a.send_segmented(b"x", 1),
        lambda a: a.recvmmsg(1, 1),
        lambda a: pysock.DatagramBatch(1, 1).recv_into(a),
    ]
    for call in calls:
        with udp(pysock, connected=True) as (a, _):
            assert a.sendmmsg([b"x", bytes(65508)]) == 1
            with pytest.raises(OSError) as caught:
                call(a)
            assert caught.value.errno == errno.EMSGSIZE


def test_what_was_remembered_goes_with_the_socket(pysock):
    """Neither a closed socket's number nor its object tells anything about the next one."""
    entries = import_module(f"{pysock.__name__}._shared.socket_state").entries
    gc.collect()
    entries_before = len(entries)
    with udp(pysock, connected=True) as (a, b):
        assert a.sendmmsg([b"x", bytes(65508)]) == 1
        fd, address = a.fileno(), b.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            os.dup2(other.fileno(), fd)  # another socket of the kernel's, under the same number
        assert a.sendmmsg([b"y"], address) == 1
    with udp(pysock, connected=True) as (a, b):
        assert a.sendmmsg([b"x", bytes(65508)]) == 1
        assert len(entries) == entries_before + 1
        del a
    gc.collect()
    assert len(entries) == entries_before


def test_a_kept_error_does_not_keep_its_socket(pysock):
    """Nor by the exception that was being handled when it came."""

    def dropped():
        with udp(pysock, connected=True) as (a, _):
            try:
                raise KeyError
            except KeyError:
                assert a.sendmmsg([b"x", bytes(65508)]) == 1
            return weakref.ref(a)

    gc.collect()
    assert dropped()() is None


def test_a_full_buffer(pysock):
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        a.setblocking(False)
        sent = a.sendmmsg([b"x"] * 10_000)
        assert 0 < sent < 10_000
        with pytest.raises(BlockingIOError):
            a.sendmmsg([b"x"])
        a.settimeout(0.05)
        begin = time.monotonic()
        with pytest.raises(TimeoutError, match="timed out"):
            a.sendmmsg([b"x"] * 3)
        assert 0.04 < time.monotonic() - begin < 2
        assert len(b.recvmmsg(10_000, 10)) == sent
        begin = time.monotonic()
        there = a.sendmmsg([b"y"] * 10_000)
        assert 0 < there <= sent
        assert 0.04 < time.monotonic() - begin < 2
        a.settimeout(None)
        receiver = threading.Thread(target=lambda: [b.recv(10) for _ in range(there + 1000)])
        receiver.start()
        assert a.sendmmsg([b"z"] * 1000) == 1000
        receiver.join()


def test_a_number_that_is_given_away_while_a_send_waits(pysock):
    """Another thread closes the socket; what is left of the batch is not the new owner's."""
    kind = (pysock.AF_UNIX, pysock.SOCK_DGRAM)
    (a, b), (mine, theirs) = pysock.socketpair(*kind), pysock.socketpair(*kind)
    with b, mine, theirs:
        number, sent = a.fileno(), []
        sending = threading.Thread(target=lambda: sent.append(a.sendmmsg([b"x"] * 10_000)))
        sending.start()
        time.sleep(0.2)
        a.close()
        os.dup2(mine.fileno(), number)
        came = 0
        b.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while b.recv(1):
                came += 1
        sending.join(10)
        os.close(number)
        assert sent == [came]
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_signals_in_the_middle(pysock):
    """A handler that returns changes nothing; one that raises ends the call."""
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        for timeout in (None, 10):
            fill(a)
            a.settimeout(timeout)
            seen = []

            def handler(*_, seen=seen):
                seen.append(1)
                if len(seen) < 3:
                    signal.setitimer(signal.ITIMER_REAL, 0.02)
                else:
                    drain(b)

            before = signal.signal(signal.SIGALRM, handler)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                assert a.sendmmsg([b"x", b"y"]) == 2
                assert len(seen) == 3
                fill(a)
                a.settimeout(timeout)
                signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                with pytest.raises(ZeroDivisionError):
                    a.sendmmsg([b"x", b"y"])
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "timeout, error",
    [(None, ZeroDivisionError), (None, TimeoutError), (None, BlockingIOError), (None, OSError)]
    + [(10, ZeroDivisionError), (10, TimeoutError), (10, BlockingIOError), (10, OSError)]
    + [(0.1, ZeroDivisionError), (0.1, OSError)],
)
def test_what_a_signals_handler_raises_is_raised(pysock, timeout, error):
    """After some were sent, too, and also where the time is over once the handler is through."""

    def handler(*_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        if timeout == 0.1:
            time.sleep(0.2)
        raise error("from the handler")

    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        a.settimeout(timeout)
        before = signal.signal(signal.SIGALRM, handler)
        gc.disable()  # a handler that runs in somebody's gc.callbacks raises to nobody
        try:
            # Again and again: the first may come before there is anything to be woken from.
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            with pytest.raises(error, match="from the handler"):
                a.sendmmsg([b"x"] * 2000)
        finally:
            gc.enable()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


# GSO refused


def check_refused(pysock, a, b, *, lowered):
    address = b.getsockname()
    sent = datagrams([700] * 150 + [5, 6, 6, 700, 700])
    assert a.sendmmsg(sent, address) == len(sent)
    assert drain(b) == [(data, a.getsockname()) for data in sent]
    if pysock.BACKEND == "c":
        assert (pysock.capabilities(a)["gso_segments"] == 1) == lowered
        assert pysock.capabilities()["gso_segments"] == pysock.capabilities(b)["gso_segments"] > 1
    assert a.sendmmsg(sent, address) == len(sent)
    assert a.send_segmented(bytes(2001), 1000, address) == 2001
    assert [len(x) for x, _ in drain(b)] == [len(x) for x in sent] + [1000, 1000, 1]


def test_refused_with_einval(pysock):
    with udp(pysock) as (a, b):
        a.setsockopt(pysock.SOL_SOCKET, SO_NO_CHECK, 1)
        check_refused(pysock, a, b, lowered=True)


def test_refused_with_eio(pysock):
    """UDP-Lite, behind the back of a socket object that says UDP."""
    try:
        lite = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136) for _ in range(2)]
    except OSError:
        pytest.skip("the kernel has no UDP-Lite")
    a, b = (
        pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM, 17, fileno=sock.detach()) for sock in lite
    )
    with a, b:
        for sock in (a, b):
            sock.bind(("127.0.0.1", 0))
            sock.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVBUF, 1 << 22)
        check_refused(pysock, a, b, lowered=True)


def test_a_route_with_small_packets(pysock):
    """Segments over the route's MTU are refused as such, and fragmented one by one."""
    try:
        with network_namespace():
            subprocess.run(["ip", "link", "set", "lo", "mtu", "600", "up"], check=True)
            with udp(pysock) as (a, b):
                check_refused(pysock, a, b, lowered=False)
                assert a.sendmmsg([bytes(500)] * 64, b.getsockname()) == 64
                if pysock.BACKEND == "c":
                    assert pysock.capabilities(a)["gso_segments"] > 1
    except (PermissionError, FileNotFoundError) as error:
        pytest.skip(f"no network namespace: {error}")


def test_an_error_that_is_not_about_gso(pysock):
    """EINVAL for a port 0 comes with and without GSO: nothing is learned from it."""
    with udp(pysock) as (a, _):
        with pytest.raises(OSError) as caught:
            a.sendmmsg([b"x", b"y"], ("127.0.0.1", 0))
        assert caught.value.errno == errno.EINVAL
        if pysock.BACKEND == "c":
            assert pysock.capabilities(a)["gso_segments"] > 1


def test_the_kill_switch():
    program = (
        "import sys, pysock; sys.path.insert(0, 'tests'); from support.datagrams import *\n"
        "assert pysock.capabilities()['gso_segments'] == 1\n"
        "with udp(pysock) as (a, b): print(a.sendmmsg([b'x'] * 9, b.getsockname()), len(drain(b)))"
    )
    environment = dict(os.environ, PYSOCK_DISABLE_GSO="1", PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("9 9\n", "")
