"""Threads: one socket in several of them, closed under a waiting call, nothing shared."""

import os
import sys
import threading
import time

import pytest


def test_close_in_another_thread_during_a_wait_with_a_timeout(net, pair):
    a, b = pair
    a.settimeout(0.3)
    closer = threading.Timer(0.05, a.close)
    closer.start()
    with pytest.raises(OSError):
        a.recv(10)
    closer.join()
    assert a.fileno() == -1


def test_a_descriptor_that_is_reused_during_a_wait_is_not_read_from(net):
    """The number of a closed socket soon belongs to somebody else."""
    a, b = net.socketpair()
    others = net.socketpair()
    with b, others[0], others[1]:
        others[1].sendall(b"not yours")
        a.settimeout(0.4)
        fd = a.fileno()

        def take_over():
            b.send(b"")  # nothing: the wait goes on
            a.close()
            os.dup2(others[0].fileno(), fd)

        thread = threading.Timer(0.05, take_over)
        thread.start()
        try:
            with pytest.raises(OSError):
                a.recv(100)
        finally:
            thread.join()
            os.close(fd)
        assert others[0].recv(100) == b"not yours"


def test_shutdown_in_another_thread_ends_a_blocking_recv(net, pair):
    a, _ = pair
    thread = threading.Timer(0.05, a.shutdown, [net.SHUT_RDWR])
    thread.start()
    assert a.recv(10) == b""
    thread.join()


@pytest.mark.parametrize("asked", [64, 100_000])
def test_many_threads_receive_from_one_socket(net, pair, asked):
    """Datagram-sized pieces: each arrives whole, once, in one of the threads."""
    a, b = net.socketpair(net.AF_UNIX, net.SOCK_SEQPACKET)
    with a, b:
        got, lock = [], threading.Lock()

        def receive():
            while data := b.recv(asked):
                with lock:
                    got.append(data)

        threads = [threading.Thread(target=receive) for _ in range(4)]
        for thread in threads:
            thread.start()
        sent = [f"{i:064d}".encode() for i in range(5000)]
        for data in sent:
            a.sendall(data)
        a.shutdown(net.SHUT_RDWR)
        for thread in threads:
            thread.join()
        assert sorted(got) == sent


def test_other_threads_run_while_one_waits(net, pair):
    a, b = pair
    ran = 0

    def count():
        nonlocal ran
        while not over:
            ran += 1

    over = False
    thread = threading.Thread(target=count)
    thread.start()
    b.settimeout(0.1)
    with pytest.raises(TimeoutError):
        b.recv(1)
    over = True
    thread.join()
    assert ran > 100


def test_a_ready_socket_beside_a_computing_thread_does_not_wait_for_the_gil(pysock, pair):
    """Always ready: the C layer keeps the GIL for the try, the standard library gives it away."""
    if pysock.BACKEND != "c":
        assert pysock.get_gil_hold() == 16384  # accepted and remembered; there is nothing to hold
        return
    a, b = pair
    over = False

    def compute():
        while not over:
            pass

    thread = threading.Thread(target=compute)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.05)
    thread.start()
    try:
        start = time.monotonic()
        for _ in range(200):
            a.send(b"x")
            b.recv(1)
        spent = time.monotonic() - start
    finally:
        over = True
        thread.join()
        sys.setswitchinterval(interval)
    assert spent < 200 * 2 * 0.05 / 4  # a release at each call would cost an interval each


def test_fork(net, pair):
    a, b = pair
    child = os.fork()
    if child == 0:
        b.sendall(b"from the child")
        os._exit(0)
    os.waitpid(child, 0)
    assert a.recv(100) == b"from the child"
