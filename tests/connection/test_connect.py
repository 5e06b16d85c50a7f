"""create_connection with a race (RFC 8305) and with one deadline: who is asked, who wins, when.

Addresses are given to it in the place of the resolver's. The connections are real: to listeners, to
ports where nobody listens, and to black holes.
"""

import errno
import importlib
import inspect
import ipaddress
import os
import select
import socket
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.connections import broken_network, descriptors, found, takes

GROUPS = sys.version_info >= (3, 11)
# With a race, and without; for what holds of both.
BOTH = [{"happy_eyeballs_delay": 0.02}, {"total_timeout": 20}]


# What stays the standard library's


def test_signature(pysock):
    ours = inspect.signature(pysock.create_connection).parameters
    theirs = inspect.signature(socket.create_connection).parameters
    assert {name: ours[name] for name in theirs} == dict(theirs)
    assert list(ours)[-3:] == ["all_errors", "happy_eyeballs_delay", "total_timeout"]
    assert pysock.create_connection.__doc__ and pysock.reuse_port_listeners.__doc__


def test_without_a_keyword_one_frame_stands_before_the_standard_librarys(pysock, listener):
    frames = []

    def profile(frame, event, arg):
        if event == "call":
            frames.append((os.path.basename(frame.f_code.co_filename), frame.f_code.co_name))

    sys.setprofile(profile)
    try:
        sock = pysock.create_connection(listener.getsockname(), 5)
    finally:
        sys.setprofile(None)
    sock.close()
    assert frames[:2] == [("connect.py", "create_connection"), ("socket.py", "create_connection")]
    assert [file for file, _ in frames].count("connect.py") == 1


def test_all_errors_is_the_interpreters_own(net, refusing):
    if GROUPS:
        with pytest.raises(ExceptionGroup) as caught:  # noqa: F821
            net.create_connection(refusing, all_errors=True)
        assert [type(each) for each in caught.value.exceptions] == [ConnectionRefusedError]
    else:
        with pytest.raises(TypeError, match="all_errors"):
            net.create_connection(refusing, all_errors=True)


def test_a_host_that_is_none_is_loopback_of_either_family(net):
    with net.create_server(("::1", 0), family=net.AF_INET6) as server:
        with net.create_connection((None, server.getsockname()[1])) as sock:
            assert sock.getpeername() == server.getsockname()
    with net.create_server(("127.0.0.1", 0)) as server:
        with net.create_connection((None, server.getsockname()[1])) as sock:
            assert sock.getpeername() == server.getsockname()


@pytest.mark.parametrize("options", [{}, *BOTH], ids=["alone", "race", "total"])
@pytest.mark.parametrize("host", [[], (), {}, 0.0, False, bytearray()], ids=repr)
def test_a_host_that_is_empty_and_no_text_is_refused(net, host, options):
    if net is socket and options:
        options = {}
    for port in (1, "1"):
        with pytest.raises(TypeError, match=r"getaddrinfo\(\) argument 1 must be string or None"):
            net.create_connection((host, port), **options)


# Who is asked, and in which order

FAMILIES = st.lists(st.sampled_from([socket.AF_INET, socket.AF_INET6, socket.AF_UNIX]))


@given(families=FAMILIES)
def test_interleaving(pysock, families):
    infos = [(family, 1, 6, "", ("host", at)) for at, family in enumerate(families)]
    order = importlib.import_module(pysock.__name__ + "._shared.happy_eyeballs").interleave(infos)
    assert sorted(order) == sorted(infos)
    assert order[:1] == infos[:1]
    for family in set(families):  # in a family nobody overtakes
        of_it = [each for each in infos if each[0] == family]
        assert [each for each in order if each[0] == family] == of_it
    for at in range(1, len(order)):
        # The same family twice running: the others have had all of theirs.
        if order[at][0] == order[at - 1][0]:
            assert {each[0] for each in order[at:]} == {order[at][0]}


def test_the_families_take_turns(connect, refusing, attempts):
    v6 = [("::1", refusing[1], 0, scope) for scope in range(3)]
    v4 = [(f"127.0.0.{host}", refusing[1]) for host in range(1, 6)]
    with pytest.raises(ConnectionRefusedError):
        connect(v6 + v4, happy_eyeballs_delay=20)
    assert attempts == [v6[0], v4[0], v6[1], v4[1], v6[2], *v4[2:]]
    attempts.clear()
    with pytest.raises(ConnectionRefusedError):
        connect([v4[0], *v6, v4[1]], happy_eyeballs_delay=20)
    assert attempts == [v4[0], v6[0], v4[1], v6[1], v6[2]]


def test_without_a_race_the_order_is_the_resolvers(connect, refusing, attempts):
    addresses = [("::1", refusing[1], 0, 0)] * 2 + [refusing] * 2
    with pytest.raises(ConnectionRefusedError):
        connect(addresses, total_timeout=20)
    assert attempts == addresses


@pytest.mark.parametrize("options", BOTH, ids=str)
@pytest.mark.parametrize("host", ["127.0.0.1", b"127.0.0.1", 0x7F000001, "", 0])
def test_address_forms(pysock, listener, options, host):
    number = listener.getsockname()[1]
    for address in [(host, number), [host, str(number)]]:
        with pysock.create_connection(address, **options) as sock:
            assert type(sock) is pysock.socket
            assert sock.getpeername() == listener.getsockname()
    with pysock.create_connection((ipaddress.ip_address("127.0.0.1"), number), **options) as sock:
        assert sock.getpeername() == listener.getsockname()
    for wrong, error in [((host, "nosuchservice"), OSError), ((host,), ValueError)]:
        with pytest.raises(error):
            pysock.create_connection(wrong, **options)


def test_the_resolver_is_asked_as_the_standard_library_asks(pysock, monkeypatch):
    asked = []
    monkeypatch.setattr(pysock, "getaddrinfo", lambda *args: asked.append(args) or [])
    for options in ({}, *BOTH):
        with pytest.raises(OSError, match="getaddrinfo returns an empty list"):
            pysock.create_connection(("shop.invalid", "http"), **options)
    assert asked == [("shop.invalid", 80, 0, pysock.SOCK_STREAM)] * 3


@pytest.mark.parametrize("options", BOTH, ids=str)
def test_a_name_without_address(pysock, options):
    with pytest.raises(pysock.gaierror):
        pysock.create_connection(("::1%nosuchinterface", 9), **options)


# When


def test_a_refusal_begins_the_next_attempt_at_once(connect, refusing, listener):
    with takes(0, 10), connect([refusing] * 3 + [listener.getsockname()], happy_eyeballs_delay=60):
        pass


def test_the_next_attempt_begins_after_the_delay(connect, black_hole, listener, attempts):
    hole = black_hole()
    before = descriptors()
    with takes(0.2, 5):
        sock = connect([hole.address] * 2 + [listener.getsockname()], happy_eyeballs_delay=0.1)
    with sock:
        assert sock.getpeername() == listener.getsockname()
        assert descriptors() == before + 1  # the losers are closed
    assert len(attempts) == 3


def test_of_two_that_are_connected_at_the_same_instant_one_is_closed(
    connect, listener, listener6, attempts, monkeypatch
):
    poll = select.poll

    class Late:
        """A poll() that comes when both connections have been made."""

        def __init__(self):
            self.real = poll()
            self.register = self.real.register

        def poll(self, timeout):
            for each in (listener, listener6):
                assert select.select([each], [], [], 20)[0]
            return self.real.poll(timeout)

    monkeypatch.setattr(select, "poll", Late)
    before = descriptors()
    addresses = [listener6.getsockname(), listener.getsockname()]
    with connect(addresses, happy_eyeballs_delay=0) as sock:
        assert attempts == addresses
        assert descriptors() == before + 1
        assert sock.getpeername() == addresses[0]
        won, _ = listener6.accept()
        lost, _ = listener.accept()
        with won, lost:
            sock.sendall(b"hello")
            assert won.recv(10) == b"hello"
            assert lost.recv(10) == b""


def test_a_slow_attempt_goes_on_while_others_fail(connect, black_hole, refusing):
    hole = black_hole()
    timer = threading.Timer(0.1, hole.open)
    timer.start()
    with connect([hole.address, refusing, refusing], happy_eyeballs_delay=0.05) as sock:
        assert sock.getpeername() == hole.address
    timer.join()


@pytest.mark.parametrize("options", [{"happy_eyeballs_delay": 60}, {"total_timeout": 60}], ids=str)
def test_the_timeout_is_for_each_attempt(connect, black_hole, listener, options):
    address = black_hole().address
    with takes(0.2, 10), connect([address, address, listener.getsockname()], 0.1, **options):
        pass
    with takes(0.2, 10), pytest.raises(TimeoutError, match="timed out"):
        connect([address, address], 0.1, **options)


@pytest.mark.parametrize("timeout", [None, 5])
@pytest.mark.parametrize("delay", [None, 0, 0.02, 60])
def test_the_total_timeout_is_for_all_of_them(connect, black_hole, timeout, delay):
    addresses = [black_hole().address] * 20
    before = descriptors()
    options = {"happy_eyeballs_delay": delay, "total_timeout": 0.5}
    with takes(0.5, 5), pytest.raises(TimeoutError, match="timed out") as caught:
        connect(addresses, timeout, **options)
    assert caught.type is TimeoutError
    assert descriptors() == before


def test_the_last_attempt_has_what_is_left(connect, black_hole, attempts):
    with takes(0.5, 5), pytest.raises(TimeoutError):
        connect([black_hole().address] * 20, 0.2, total_timeout=0.5)
    assert 1 <= len(attempts) <= 3


@pytest.mark.parametrize("delay", [None, 0.02])
def test_the_resolvers_time_counts(pysock, monkeypatch, listener, attempts, delay):
    def getaddrinfo(*args):
        time.sleep(0.05)
        return found([listener.getsockname()])

    monkeypatch.setattr(pysock, "getaddrinfo", getaddrinfo)
    for total in (0, 0.04):
        with pytest.raises(TimeoutError):
            pysock.create_connection(
                ("shop.invalid", 80), total_timeout=total, happy_eyeballs_delay=delay
            )
    assert attempts == []


@pytest.mark.parametrize(
    "options", [{"happy_eyeballs_delay": 60}, {"total_timeout": 0.5}, {"total_timeout": 1e10}]
)
def test_waiting_is_not_working(connect, black_hole, options):
    """Not a busy wait: half a second takes next to none of the CPU's."""
    begin = time.thread_time()
    with takes(0.5, 5), pytest.raises(TimeoutError):
        connect([black_hole().address] * 3, 0.5 / 3, **options)
    assert time.thread_time() - begin < 0.1


# A network in which IPv6 is broken, and more


@pytest.fixture(params=["a network of its own", "loopback"])
def broken(request):
    with broken_network(request.param != "loopback") as addresses:
        yield addresses


def test_ipv6_is_broken_and_ipv4_is_not(pysock, broken, connect, attempts, listener):
    hole6, hole4, fails = broken
    addresses = [hole6, hole6, fails, hole4, listener.getsockname()]
    before = descriptors()
    with takes(0.3, 10), connect(addresses, happy_eyeballs_delay=0.1) as sock:
        assert sock.getpeername() == listener.getsockname()
        assert descriptors() == before + 1
    assert attempts == [hole6, fails, hole6, hole4, listener.getsockname()]


@pytest.mark.parametrize("options", [{}, {"happy_eyeballs_delay": 0.02}], ids=str)
def test_a_network_that_swallows_everything(broken, connect, options):
    hole6, hole4, _ = broken
    with takes(0.5, 5), pytest.raises(TimeoutError, match="timed out"):
        connect([hole6] * 10 + [hole4] * 10, 5, total_timeout=0.5, **options)


def test_what_the_network_says_is_raised(broken, connect):
    _, hole4, fails = broken
    with takes(0, 10), pytest.raises(OSError) as caught:
        connect([hole4, fails], 0.05, happy_eyeballs_delay=60)
    assert caught.value.errno in (errno.EHOSTUNREACH, errno.ECONNREFUSED)
