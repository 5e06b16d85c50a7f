"""A blocking send that has sent a part: what it waits for, what ends it, and who hears why."""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import struct
import threading
import time

import pytest

RESET = struct.pack("ii", 1, 0)
LONG_MAX = 2 ** (8 * struct.calcsize("l") - 1) - 1
SO_TIMESTAMPING = 37  # asm-generic/socket.h
TX_TIMESTAMPS = 1 << 1 | 1 << 4  # linux/net_tstamp.h: TX_SOFTWARE, SOFTWARE
MUCH = bytes(range(250)) * 64  # more than there is room for, and little enough to be tried
WAYS = {
    "send": lambda sock, data: sock.send(data),
    "sendmsg": lambda sock, data: sock.sendmsg([data[:1000], data[1000:]]),
}


def full_pair(net):
    """A TCP connection: (client, whose buffer has room for a part of MUCH at most, server)."""
    with net.socket() as listener:
        listener.setsockopt(net.SOL_SOCKET, net.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = net.socket()
        client.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(b"x" * 100)
            time.sleep(0.0005)
    client.setblocking(True)
    server.recv(300)
    return client, server


def after_a_part(net, meanwhile, send, prepare=lambda sock: None):
    """Send MUCH, with *meanwhile* called of the peer in the middle of it: (sock, peer, sent).

    Whether the kernel finds room for a first part is a matter of its own timers.
    """
    for _ in range(20):
        a, b = full_pair(net)
        prepare(a)
        timer = threading.Timer(0.05, meanwhile, [b])
        timer.start()
        try:
            return a, b, send(a, MUCH)
        except OSError:
            a.close()
            b.close()
        finally:
            timer.join()
    raise AssertionError("never was there room for a part")


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()


@pytest.mark.parametrize("then", ["send", "recv", "SO_ERROR"])
@pytest.mark.parametrize("way", WAYS)
def test_the_next_call_hears_of_a_reset(net, way, then):
    """As after one system call that has sent a part: the error stays with the socket."""
    a, _, sent = after_a_part(net, reset, WAYS[way])
    with a:
        assert 0 < sent < len(MUCH)
        if then == "SO_ERROR":
            assert a.getsockopt(net.SOL_SOCKET, net.SO_ERROR) == errno.ECONNRESET
        else:
            with pytest.raises(ConnectionResetError):
                a.send(b"x") if then == "send" else a.recv(1)


def timestamps(sock):
    """Fill the error queue, which nobody reads: poll() reports that all the time."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_TIMESTAMPS)


def centuries(sock):
    """More nanoseconds than an int64 holds; wrapped around they are less than none."""
    sock.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", min(10**10, LONG_MAX), 0)
    )


@pytest.mark.parametrize(
    "prepare", [lambda sock: None, timestamps, centuries], ids=["alone", "error queue", "centuries"]
)
@pytest.mark.parametrize("way", WAYS)
def test_all_of_it_goes_out(net, way, prepare):
    readers = []

    def drain(peer):
        while socket.socket.recv(peer, 65536):
            pass

    def begin_to_read(peer):
        readers.append(threading.Thread(target=drain, args=[peer]))
        readers[0].start()

    a, b, sent = after_a_part(net, begin_to_read, WAYS[way], prepare)
    with a, b:
        again = WAYS[way](a, MUCH)  # beside what the first one has left in the error queue
        a.shutdown(net.SHUT_WR)
        readers[0].join()
    assert sent == again == len(MUCH)


@pytest.mark.parametrize("way", WAYS)
def test_the_kernels_timeout_ends_it(net, way):
    def limit(sock):
        sock.setsockopt(net.SOL_SOCKET, net.SO_SNDTIMEO, struct.pack("@ll", 0, 200_000))

    begin = time.monotonic()
    a, b, sent = after_a_part(net, lambda peer: None, WAYS[way], limit)
    with a, b:
        assert 0 < sent < len(MUCH)
        assert 0.2 <= time.monotonic() - begin < 10


@pytest.mark.parametrize("way", WAYS)
def test_an_o_nonblock_set_behind_the_socket_ends_it(net, way):
    def set_it(sock):
        flags = fcntl.fcntl(sock, fcntl.F_GETFL)
        fcntl.fcntl(sock, fcntl.F_SETFL, flags | os.O_NONBLOCK)

    a, b, sent = after_a_part(net, lambda peer: None, WAYS[way], set_it)
    with a, b:
        assert 0 < sent < len(MUCH)


@pytest.mark.parametrize("way", WAYS)
def test_a_number_that_is_given_away_meanwhile_is_not_sent_to(net, way):
    """The socket is closed by another thread, and its number soon belongs to somebody else."""
    mine, theirs = net.socketpair()
    senders, numbers = [], []

    def take_over(peer):
        numbers.append(senders[-1].fileno())
        senders[-1].close()
        os.dup2(mine.fileno(), numbers[-1])
        peer.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while peer.recv(65536):
                pass

    with mine, theirs:
        _, b, sent = after_a_part(net, take_over, WAYS[way], senders.append)
        with b:
            assert 0 < sent <= len(MUCH)
        for number in numbers:
            os.close(number)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


@pytest.mark.parametrize("way", WAYS)
def test_a_signal_ends_it(net, way):
    ran = []
    before = signal.signal(signal.SIGALRM, lambda *_: ran.append(1))
    try:
        a, b, sent = after_a_part(
            net,
            reset,  # the end of a send that had no part out when the signal came, and goes on
            WAYS[way],
            lambda sock: signal.setitimer(signal.ITIMER_REAL, 0.02),
        )
    finally:
        signal.signal(signal.SIGALRM, before)
    with a, b:
        assert 0 < sent < len(MUCH)
        assert ran
