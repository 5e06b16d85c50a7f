"""A signal in the middle of a wait: the handler runs, and the call goes on unless that raises."""

import array
import contextlib
import errno
import signal
import sys
import threading
import time

import pytest
from support.waits import WAITS
from support.whole_streams import IN_THE_FALLBACK


@pytest.mark.parametrize("wait", WAITS)
def test_signals_run_their_handlers_and_the_deadline_stays(net, full_pair, alarms, wait):
    a, _ = full_pair
    a.settimeout(0.2)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        WAITS[wait](a, b"x" * 100)
    assert 0.2 <= time.monotonic() - start < 2
    assert len(alarms) > 5


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_that_raises_breaks_the_call_off(net, full_pair, wait, timeout):
    a, _ = full_pair
    a.settimeout(timeout)

    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(ZeroDivisionError):
            WAITS[wait](a, b"x" * 100)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_that_closes_the_socket_ends_the_call(net, full_pair, wait, timeout):
    """A wait for the descriptor -1 would never end."""
    a, _ = full_pair
    a.settimeout(timeout)
    before = signal.signal(signal.SIGALRM, lambda *_: a.close())
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(OSError) as caught:
            WAITS[wait](a, b"x" * 100)
        assert caught.value.errno == errno.EBADF
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 15


def test_a_blocking_call_goes_on_after_a_signal(net, pair, alarms):
    a, b = pair
    timer = threading.Timer(0.1, a.sendall, [b"after"])
    timer.start()
    assert b.recv(10) == b"after"
    timer.join()
    assert len(alarms) > 3


def test_accept_goes_on_after_a_signal(net, alarms):
    with net.create_server(("127.0.0.1", 0)) as listener:
        made = []
        timer = threading.Timer(
            0.1, lambda: made.append(net.create_connection(listener.getsockname()))
        )
        timer.start()
        server, _ = listener.accept()
        timer.join()
        with server, made[0]:
            assert len(alarms) > 3


def test_no_byte_is_lost_or_doubled_under_signals(net, alarms):
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        data = bytes(range(256)) * 4000
        got = bytearray()

        def read():
            while piece := b.recv(3000):
                got.extend(piece)
                if len(got) % 7 == 0:
                    time.sleep(0.001)

        reader = threading.Thread(target=read)
        reader.start()
        a.sendall(data)
        a.shutdown(net.SHUT_WR)
        reader.join()
        assert got == data


OF_ARGUMENTS = {
    "sendall": lambda a, b, data: a.sendall(data, 0),
    "sendmsg_all": lambda a, b, data: a.sendmsg_all([data]),
    "sendmsg_all of bytes": lambda a, b, data: a.sendmsg_all([bytes(data)] * 2),
    "recv_exactly_into": lambda a, b, data: b.recv_exactly_into(data),
}


@pytest.mark.parametrize("make", [bytearray, lambda n: array.array("d", bytes(n))])
@pytest.mark.parametrize("call", OF_ARGUMENTS)
def test_a_handler_may_raise_at_any_line_of_the_fallback(pysock, pair, call, make):
    """What it raises is the caller's: it is not an error of an argument, and it is not lost."""
    a, b = pair
    left = reached = 0

    def handler(*_):
        raise ZeroDivisionError

    def trace(frame, event, _):
        nonlocal left
        if not IN_THE_FALLBACK.search(frame.f_code.co_filename):
            return None
        left -= event == "line"
        if left == 0:
            signal.raise_signal(signal.SIGALRM)
        return trace

    before = signal.signal(signal.SIGALRM, handler)
    try:
        while left <= 0:
            reached += 1
            a.sendall(bytes(64))
            left = reached
            try:
                sys.settrace(trace)
                OF_ARGUMENTS[call](a, b, make(64))
            except ZeroDivisionError:
                assert left <= 0
            else:
                assert left > 0, f"what the handler raised at line {reached} is lost"
            finally:
                sys.settrace(None)
            with contextlib.suppress(BlockingIOError):
                b.recv(65536, pysock.MSG_DONTWAIT)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (reached > 10) == (pysock.BACKEND == "stdlib")
