"""What a race, or a deadline, ends in: the socket, the errors, and what comes in between."""

import contextlib
import gc
import importlib
import ipaddress
import os
import signal
import socket
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from support.connections import descriptors, takes

GROUPS = sys.version_info >= (3, 11)
BOTH = [{"happy_eyeballs_delay": 0.02}, {"total_timeout": 20}]


def errors_of(group):
    return [type(each) for each in group.exceptions]


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("timeout", [None, 5, 0.25])
def test_the_socket_has_the_timeout_that_was_asked_for(connect, listener, options, timeout):
    with connect([listener.getsockname()], timeout, **options) as sock:
        assert sock.gettimeout() == timeout
        assert os.get_blocking(sock.fileno()) == (timeout is None)
        peer, _ = listener.accept()
        with peer:
            sock.sendall(b"hello")
            assert peer.recv(10) == b"hello"


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("default", [None, 7])
def test_without_a_timeout_it_is_the_default(pysock, connect, listener, options, default):
    pysock.setdefaulttimeout(default)
    try:
        with connect([listener.getsockname()], **options) as sock:
            assert sock.gettimeout() == default
            assert os.get_blocking(sock.fileno()) == (default is None)
    finally:
        pysock.setdefaulttimeout(None)


@pytest.mark.parametrize("options", [{}, *BOTH], ids=str)
def test_a_timeout_of_0_does_not_wait(connect, listener, options):
    with pytest.raises(BlockingIOError):
        connect([listener.getsockname()] * 2, 0, **options)


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_the_last_error_is_raised(connect, black_hole, refusing, options):
    with pytest.raises(ConnectionRefusedError) as caught:
        connect([refusing], **options)
    assert str(caught.value) == f"[Errno {caught.value.errno}] Connection refused"
    with pytest.raises(ConnectionRefusedError):
        connect([black_hole().address, refusing], 0.05, happy_eyeballs_delay=1)
    with pytest.raises(TimeoutError):
        connect([refusing, black_hole().address], 0.05, happy_eyeballs_delay=1)


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_all_errors(connect, black_hole, refusing, options):
    # The second is of another family than the source.
    addresses = [refusing, ("::1", 9, 0, 0), black_hole().address]
    options = {"source_address": ("127.0.0.1", 0), "all_errors": True, **options}
    if not GROUPS:
        with pytest.raises(TypeError, match="all_errors"):
            connect(addresses, **options)
        return
    with pytest.raises(ExceptionGroup, match="create_connection failed") as caught:  # noqa: F821
        connect(addresses, 0.1, **options)
    assert errors_of(caught.value) == [ConnectionRefusedError, socket.gaierror, TimeoutError]
    with pytest.raises(ExceptionGroup) as caught:  # noqa: F821
        connect(addresses, **{**options, "total_timeout": 0.1})
    assert errors_of(caught.value) == [ConnectionRefusedError, socket.gaierror, TimeoutError]


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_an_error_is_no_cycle(pysock, connect, refusing, listener, options):
    """It goes when it is forgotten, and so does all that its traceback holds."""
    race = importlib.import_module(pysock.__name__ + "._shared.happy_eyeballs")._Race
    options = {"source_address": ("127.0.0.1", 0), **options}
    gc.collect()  # of what other tests have kept
    gc.disable()
    try:
        for all_errors in {False, GROUPS}:
            for address in (refusing, listener.getsockname()):
                with contextlib.suppress(Exception):
                    connect([("::1", 9, 0, 0), address], all_errors=all_errors, **options).close()
        assert not [each for each in gc.get_objects() if type(each) is race]
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ["happy_eyeballs_delay", "total_timeout"])
@pytest.mark.parametrize(
    "value, error",
    [(-1, ValueError), (-0.1, ValueError), (float("nan"), ValueError), (float("-inf"), ValueError)]
    + [("1", TypeError), (1j, TypeError), ((), TypeError)],
)
def test_seconds_that_are_none(pysock, monkeypatch, name, value, error):
    monkeypatch.delattr(pysock, "getaddrinfo")  # before anything is done
    with pytest.raises(error):
        pysock.create_connection(("127.0.0.1", 9), **{name: value})


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("timeout, error", [(-1, ValueError), ("1", TypeError)])
def test_a_timeout_that_is_none(connect, listener, options, timeout, error):
    before = descriptors()
    with pytest.raises(error) as caught:
        connect([listener.getsockname()] * 2, timeout, **options)
    assert descriptors() == before
    with socket.socket() as sock, pytest.raises(error) as expected:
        sock.settimeout(timeout)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("number", [Decimal("0.1"), Fraction(1, 10)], ids=repr)
def test_seconds_are_any_real_number(connect, black_hole, number):
    options = {"happy_eyeballs_delay": number, "total_timeout": number}
    with takes(0.1, 5), pytest.raises(TimeoutError):
        connect([black_hole().address] * 2, **options)


def test_seconds_without_end(connect, listener):
    for endless in (float("inf"), 1e300):
        options = {"happy_eyeballs_delay": endless, "total_timeout": endless}
        connect([listener.getsockname()], **options).close()


# Who it comes from


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("source", [("127.0.0.2", 0), (0x7F000002, 0), ("127.0.0.2", "0")])
def test_a_source_of_ipv4(connect, listener, listener6, options, source):
    addresses = [listener6.getsockname(), listener.getsockname()]
    if isinstance(source[0], str):
        with pytest.raises(socket.gaierror):
            connect(addresses[:1], source_address=source, **options)
    with connect(addresses, 5, source, **options) as sock:
        assert sock.getsockname()[0] == "127.0.0.2"


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("source", [("::1", 0), ("::1", 0, 0, 0), (ipaddress.ip_address("::1"), 0)])
def test_a_source_of_ipv6(connect, listener, listener6, options, source):
    addresses = [listener.getsockname(), listener6.getsockname()]
    with pytest.raises(OSError):
        connect(addresses[:1], source_address=source, **options)
    with connect(addresses, 5, source, **options) as sock:
        assert sock.getsockname()[0] == "::1"


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_an_integer_for_a_source_that_only_ipv6_has(connect, listener, options):
    mapped = int(ipaddress.ip_address("::ffff:127.0.0.2"))
    with pytest.raises(OSError):
        connect([listener.getsockname()], source_address=(mapped, 0), **options)
    to = ("::ffff:127.0.0.1", listener.getsockname()[1], 0, 0)
    with connect([listener.getsockname(), to], source_address=(mapped, 0), **options) as sock:
        assert sock.getsockname()[0] == "::ffff:127.0.0.2"


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize(
    "source, error",
    [("127.0.0.1", TypeError), (("127.0.0.1", 65536), OverflowError), ((1.5, 0), TypeError)],
)
def test_a_source_that_is_none(connect, listener, options, source, error):
    before = descriptors()
    with pytest.raises(error):
        connect([listener.getsockname()] * 2, source_address=source, **options)
    assert descriptors() == before


# What comes in between


@pytest.fixture
def alarm():
    """Have a signal's handler do something, in the main thread, after so many seconds."""
    before = signal.getsignal(signal.SIGALRM)

    def alarm(seconds, handler):
        signal.signal(signal.SIGALRM, lambda *_: handler())
        signal.setitimer(signal.ITIMER_REAL, seconds)

    yield alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt])
def test_a_handler_that_raises_leaves_nothing_open(connect, black_hole, alarm, options, raised):
    def handler():
        raise raised

    address = black_hole().address
    before = descriptors()
    with takes(0.2, 10), pytest.raises(raised):  # its traceback, kept here, keeps no socket open
        alarm(0.2, handler)
        connect([address] * 5, **options)
    assert descriptors() == before


@pytest.mark.parametrize("options", [{}, {"happy_eyeballs_delay": 0.02}], ids=str)
def test_a_handler_that_returns_changes_no_deadline(connect, black_hole, alarm, options):
    heard = []
    alarm(0.1, lambda: heard.append(1))
    with takes(0.4, 5), pytest.raises(TimeoutError):
        connect([black_hole().address] * 5, total_timeout=0.4, **options)
    assert heard == [1]


class Refused(Exception):
    pass


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_an_exception_of_the_third_attempt_closes_the_first_two(
    pysock, connect, monkeypatch, black_hole, options
):
    """As an audit hook raises it, or a subclass."""
    count = iter(range(3))

    class Raising(pysock.socket):
        def connect(self, address):
            if next(count) == 2:
                raise Refused
            super().connect(address)

        def connect_ex(self, address):
            if next(count) == 2:
                raise Refused
            return super().connect_ex(address)

    address = black_hole().address
    before = descriptors()
    monkeypatch.setattr(pysock, "socket", Raising)
    with pytest.raises(Refused):
        connect([address] * 5, 0.05, **options)
    assert descriptors() == before
