"""Timeouts and non-blocking sockets: when a call gives up, and what it leaves behind."""

import errno
import fcntl
import os
import select
import socket
import struct
import threading
import time

import pytest
from support.waits import WAITS


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("size", [1, 100_000])
def test_timeout(net, full_pair, wait, size):
    a, _ = full_pair
    a.settimeout(0.05)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="timed out") as caught:
        WAITS[wait](a, b"x" * size)
    assert type(caught.value) is net.timeout
    assert time.monotonic() - start >= 0.05


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("size", [1, 100_000])
def test_non_blocking(net, full_pair, wait, size):
    a, _ = full_pair
    a.setblocking(False)
    with pytest.raises(BlockingIOError):
        WAITS[wait](a, b"x" * size)


@pytest.mark.parametrize("wait", WAITS)
def test_an_o_nonblock_set_behind_the_socket_is_obeyed(net, full_pair, wait):
    a, _ = full_pair
    os.set_blocking(a.fileno(), False)
    with pytest.raises(BlockingIOError):
        WAITS[wait](a, b"x")


@pytest.mark.parametrize("wait", WAITS)
def test_kernel_timeouts_of_a_blocking_socket_are_obeyed(net, full_pair, wait):
    a, _ = full_pair
    for option in (net.SO_RCVTIMEO, net.SO_SNDTIMEO):
        a.setsockopt(net.SOL_SOCKET, option, struct.pack("ll", 0, 50_000))
    with pytest.raises(BlockingIOError):
        WAITS[wait](a, b"x")


def test_a_timeout_with_msg_waitall_waits_first(net, pair):
    a, b = pair
    b.settimeout(0.05)
    with pytest.raises(TimeoutError):
        b.recv(4, net.MSG_WAITALL)
    a.sendall(b"abcd")
    assert b.recv(4, net.MSG_WAITALL) == b"abcd"


def test_sendall_spends_one_timeout_on_all_of_it(net):
    """A reader that takes a little now and then must not restart the clock."""
    a, b = net.socketpair()
    with a, b:
        a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        a.settimeout(0.3)
        over = threading.Event()

        def trickle():
            while not over.wait(0.02):
                b.recv(500)

        reader = threading.Thread(target=trickle)
        reader.start()
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            a.sendall(b"x" * 10_000_000)
        spent = time.monotonic() - start
        over.set()
        reader.join()
        assert 0.3 <= spent < 2


def test_data_that_comes_in_time_is_received(net, pair):
    a, b = pair
    b.settimeout(10)
    timer = threading.Timer(0.05, a.sendall, [b"late"])
    timer.start()
    assert b.recv(10) == b"late"
    timer.join()


@pytest.mark.parametrize("seconds", [0, 0.0, 1, 2.5, 1e-9, 1e-10, 3600, True, None])
def test_settimeout_and_gettimeout(net, pair, seconds):
    a, _ = pair
    for before in (None, 0, 7):
        a.settimeout(before)
        a.settimeout(seconds)
        assert a.gettimeout() == (1e-9 if seconds == 1e-10 else seconds)
        assert a.getblocking() is (seconds is None or seconds > 0)
        assert os.get_blocking(a.fileno()) is (seconds is None)


@pytest.mark.parametrize(
    "bad",
    [
        -1,
        -0.001,
        "1",
        b"",
        [],
        float("nan"),
        1e300,
        2**70,
        float("inf"),
        pytest.param(2**2000, id="2**2000"),
    ],
)
def test_settimeout_refuses_what_is_no_timeout(net, pair, bad):
    a, _ = pair
    for before in (None, 0, 7.5):
        with socket.socket() as oracle:
            oracle.settimeout(before)
            with pytest.raises((ValueError, TypeError, OverflowError)) as expected:
                oracle.settimeout(bad)
        a.settimeout(before)
        with pytest.raises(expected.type) as raised:
            a.settimeout(bad)
        assert str(raised.value) == str(expected.value)
        assert a.gettimeout() == before


@pytest.mark.parametrize("flag", [True, False, 0, 1, 2, -1, "", "no", None, 1.5, [], 2**70, b"x"])
def test_setblocking_takes_what_the_interpreters_does(net, pair, flag):
    import socket

    a, _ = pair
    outcomes = []
    with socket.socket() as oracle:
        for sock in (oracle, a):
            try:
                sock.setblocking(flag)
                outcomes.append(sock.getblocking())
            except Exception as error:
                outcomes.append(type(error))
    assert outcomes[0] == outcomes[1]


def test_settimeout_of_a_closed_socket(net):
    a, b = net.socketpair()
    a.settimeout(1)
    a.close()
    b.close()
    with pytest.raises(OSError):
        a.settimeout(2)


@pytest.mark.parametrize("wait", [*WAITS, "recv of all"])
def test_a_closed_socket_is_not_waited_for(net, wait):
    """Nor one whose call is not tried before the wait, as the flag sees to."""
    a, b = net.socketpair()
    with b:
        a.settimeout(30)
        a.close()
        start = time.monotonic()
        with pytest.raises(OSError) as caught:
            if wait in WAITS:
                WAITS[wait](a, b"x")
            else:
                a.recv(10, net.MSG_WAITALL)
        assert caught.value.errno == errno.EBADF
        assert time.monotonic() - start < 10


def test_settimeout_none_clears_an_inherited_o_nonblock(net, pair):
    a, _ = pair
    os.set_blocking(a.fileno(), False)
    a.settimeout(None)
    assert os.get_blocking(a.fileno())


def test_from_one_timeout_to_another_nothing_is_asked_of_the_kernel(net, pair):
    """C makes no system call there. The standard library sets O_NONBLOCK again each time."""
    a, _ = pair
    a.settimeout(5)
    with a.dup() as twin:
        twin.settimeout(None)  # O_NONBLOCK is of the open file, which both have
        assert os.get_blocking(a.fileno())
        a.settimeout(6)
        assert os.get_blocking(a.fileno()) == (getattr(net, "BACKEND", None) == "c")
        a.settimeout(None)
        a.settimeout(6)
        assert not os.get_blocking(a.fileno())


def test_the_default_timeout_is_honoured(net):
    before = socket.getdefaulttimeout()
    try:
        net.setdefaulttimeout(12.5)
        a, b = net.socketpair()
        with a, b, net.create_server(("127.0.0.1", 0)) as listener:
            client = net.create_connection(listener.getsockname())
            server, _ = listener.accept()
            with client, server:
                for sock in (a, b, listener, client, server):
                    assert sock.gettimeout() == 12.5
                    assert not os.get_blocking(sock.fileno())
    finally:
        socket.setdefaulttimeout(before)


def test_accept_times_out_and_what_it_accepts_is_blocking(net):
    with net.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()
        with net.create_connection(listener.getsockname()):
            server, _ = listener.accept()
            with server:
                assert server.gettimeout() is None
                assert os.get_blocking(server.fileno())
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_listener_made_blocking_by_another_process_still_times_out(net):
    """The mode belongs to the open file: whoever shares a listener can change it."""
    with net.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        os.set_blocking(listener.fileno(), True)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_connect_times_out(net):
    """A listener whose backlog is full drops SYNs: a black hole on loopback."""
    with net.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        try:
            for _ in range(4):
                sock = net.socket()
                waiting.append(sock)
                sock.settimeout(0.2)
                sock.connect(listener.getsockname())
            pytest.fail("the backlog took them all")
        except TimeoutError:
            pass
        finally:
            for sock in waiting:
                sock.close()
        with net.socket() as sock:
            sock.settimeout(0.05)
            assert sock.connect_ex(listener.getsockname()) in (11, 115)


def test_connect_of_a_unix_socket_with_a_full_backlog_is_not_a_timeout(net, tmp_path):
    with net.socket(net.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        with net.socket(net.AF_UNIX) as first, net.socket(net.AF_UNIX) as second:
            first.settimeout(5)
            second.settimeout(5)
            first.connect(str(tmp_path / "s"))
            with pytest.raises(BlockingIOError):
                second.connect(str(tmp_path / "s"))


def test_readiness_is_seen_by_select(net, pair):
    a, b = pair
    assert select.select([b], [], [], 0) == ([], [], [])
    a.sendall(b"x")
    assert select.select([b], [], [], 5) == ([b], [], [])
    b.recv(1)
    assert select.select([b], [], [], 0) == ([], [], [])
    assert fcntl.fcntl(b, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
