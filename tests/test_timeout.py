"""Timeouts, signals and non-blocking sockets: when a call gives up, and what it leaves behind."""

import errno
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import threading
import time
from importlib import import_module

import pytest

IP_RECVERR = 11  # linux/in.h

WAITS = {
    "recv": lambda s, b: s.recv(10),
    "recv of much": lambda s, b: s.recv(262144),
    "recv_into": lambda s, b: s.recv_into(bytearray(10)),
    "recvfrom": lambda s, b: s.recvfrom(10),
    "recvfrom_into": lambda s, b: s.recvfrom_into(bytearray(10)),
    "recvmsg": lambda s, b: s.recvmsg(10),
    "recvmsg_into": lambda s, b: s.recvmsg_into([bytearray(10)]),
    "send": lambda s, b: s.send(b),
    "sendall": lambda s, b: s.sendall(b),
    "sendmsg": lambda s, b: s.sendmsg([b]),
}


def fill(sock):
    """Fill the send buffer of *sock* until not a byte more goes in."""
    timeout = sock.gettimeout()
    sock.setblocking(False)
    for size in (65536, 1):
        while True:
            try:
                sock.send(b"f" * size)
            except BlockingIOError:
                break
    sock.settimeout(timeout)


@pytest.fixture
def full_pair(pair):
    """A pair whose first socket can neither send nor receive."""
    a, b = pair
    fill(a)
    return a, b


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
    "bad", [-1, -0.001, "1", b"", [], float("nan"), 1e300, 2**70, float("inf")]
)
def test_settimeout_refuses_what_is_no_timeout(net, pair, bad):
    a, _ = pair
    for before in (None, 0, 7.5):
        with socket.socket() as oracle:
            oracle.settimeout(before)
            with pytest.raises((ValueError, TypeError, OverflowError)) as expected:
                oracle.settimeout(bad)
        a.settimeout(before)
        with pytest.raises(expected.type):
            a.settimeout(bad)
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


@pytest.fixture
def alarms():
    """Run a handler every few milliseconds; the list tells how often it ran."""
    ran = []
    before = signal.signal(signal.SIGALRM, lambda *_: ran.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    yield ran
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


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


def test_readiness_is_seen_by_select(net, pair):
    a, b = pair
    assert select.select([b], [], [], 0) == ([], [], [])
    a.sendall(b"x")
    assert select.select([b], [], [], 5) == ([b], [], [])
    b.recv(1)
    assert select.select([b], [], [], 0) == ([], [], [])
    assert fcntl.fcntl(b, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


# Where poll() reports all the time what is of no use

RECEIVES = [name for name in WAITS if name.startswith("recv")]


@pytest.fixture
def error_queue(module):
    """A UDP socket with an unread message in its error queue, and nothing else to tell."""
    with module.socket(module.AF_INET, module.SOCK_DGRAM) as sock:
        with module.socket(module.AF_INET, module.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            sock.connect(gone.getsockname())
        sock.setsockopt(module.IPPROTO_IP, IP_RECVERR, 1)
        sock.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(1, socket.MSG_DONTWAIT)
        yield sock


@pytest.mark.parametrize("wait", RECEIVES)
def test_a_timeout_beside_an_unread_error_queue(net, error_queue, wait):
    error_queue.settimeout(0.05)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        WAITS[wait](error_queue, None)
    assert 0.05 <= time.monotonic() - start < 2


@pytest.mark.parametrize("wait", RECEIVES)
def test_what_comes_in_time_beside_an_unread_error_queue(net, error_queue, wait):
    error_queue.settimeout(10)
    with net.socket(net.AF_INET, net.SOCK_DGRAM) as peer:
        peer.bind(error_queue.getpeername())
        timer = threading.Timer(0.05, peer.sendto, [b"late", error_queue.getsockname()])
        timer.start()
        came = WAITS[wait](error_queue, None)
        timer.join()
    assert (came[0] if isinstance(came, tuple) else came) in (b"late", 4)


def test_an_error_that_comes_beside_an_unread_error_queue(net, error_queue):
    error_queue.settimeout(10)
    timer = threading.Timer(0.05, error_queue.send, [b"y"])
    timer.start()
    with pytest.raises(ConnectionRefusedError):
        error_queue.recv(10)
    timer.join()


def test_a_timeout_of_a_datagram_socket_that_was_shut_down(net, udp_pair):
    """Linux reports it as readable, and has nothing to read."""
    a, b = udp_pair
    a.connect(b.getsockname())
    a.shutdown(net.SHUT_RD)
    a.settimeout(0.05)
    with pytest.raises(TimeoutError):
        a.recv(10)


def waits_without_asking(pysock, sock, alarms):
    """Wait for half a second: handlers run in it, and the processor is left to others.

    The standard library asks poll() without end, and so does the fallback, which is it.
    """
    sock.settimeout(0.5)
    begin = time.thread_time()
    with pytest.raises(TimeoutError):
        sock.recv(10)
    assert pysock.BACKEND == "stdlib" or time.thread_time() - begin < 0.25
    assert pysock.BACKEND == "stdlib" or len(alarms) > 10


def test_the_wait_beside_an_unread_error_queue_is_one(pysock, error_queue, alarms):
    waits_without_asking(pysock, error_queue, alarms)


def test_a_wait_that_finds_no_descriptor_for_itself(pysock, error_queue, alarms):
    _, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        waits_without_asking(pysock, error_queue, alarms)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_deadline_of_the_loops_beside_an_unread_error_queue(pysock, error_queue):
    deadline = import_module(f"{pysock.__name__}._fallback_deadline").Deadline(error_queue, 0.2)
    begin = time.thread_time()
    with pytest.raises(TimeoutError):
        while True:
            deadline.wait(error_queue.fileno(), select.POLLIN)
    assert time.thread_time() - begin < 0.1
