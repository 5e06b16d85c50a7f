"""Where poll() reports all the time what is of no use: an error queue that nobody reads."""

import resource
import select
import socket
import threading
import time
from importlib import import_module

import pytest
from support.waits import WAITS

IP_RECVERR = 11  # linux/in.h
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
    deadline = import_module(f"{pysock.__name__}._shared.deadline").Deadline(error_queue, 0.2)
    begin = time.thread_time()
    with pytest.raises(TimeoutError):
        while True:
            deadline.wait(error_queue.fileno(), select.POLLIN)
    assert time.thread_time() - begin < 0.1
