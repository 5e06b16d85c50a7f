"""sendfile while much is sent: files that change, resets, timeouts, signals."""

import contextlib
import errno
import fcntl
import io
import os
import signal
import struct
import termios
import threading
import time

import pytest

MUCH = 5_000_000  # more than any socket's buffers hold
SO_TIMESTAMPING = 37  # asm-generic/socket.h
TX_TIMESTAMPS = 1 << 1 | 1 << 4  # linux/net_tstamp.h: TX_SOFTWARE, SOFTWARE


@pytest.fixture
def much():
    """A file of MUCH random bytes, open for reading and writing, and the bytes."""
    data = os.urandom(MUCH)
    with open(os.memfd_create("much"), "r+b", buffering=0) as file:
        file.write(data)
        file.seek(0)
        yield file, data


class Sending(threading.Thread):
    """One sendfile in another thread: *result* is what it returned or raised."""

    def __init__(self, sock, *arguments):
        super().__init__()
        self.sock, self.arguments, self.result = sock, arguments, None

    def run(self):
        try:
            self.result = self.sock.sendfile(*self.arguments)
        except OSError as error:
            self.result = error

    def until_it_waits(self, receiver):
        """Until nothing more comes to *receiver*, which nobody reads from."""
        before = -1
        while (now := pending(receiver)) != before or now == 0:
            before = now
            time.sleep(0.05)


def pending(sock):
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4))[0]


def drain(sock):
    got = bytearray()
    while piece := sock.recv(1 << 20):
        got += piece
    return bytes(got)


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("part", [(), (1000,), (1000, 4_000_000), (0, 10 * MUCH)])
def test_much(net, tcp_pair, much, timeout, part):
    client, server = tcp_pair
    file, data = much
    client.settimeout(timeout)
    offset, count = (*part, 0, None)[:2] if len(part) != 1 else (part[0], None)
    wanted = data[offset : None if count is None else offset + count]
    sending = Sending(client, file, *part)
    sending.start()
    sending.until_it_waits(server)
    got = bytearray()
    while len(got) < len(wanted):
        got += server.recv(1 << 20)
    sending.join()
    assert sending.result == len(wanted)
    assert got == wanted
    assert file.tell() == offset + len(wanted)
    client.close()
    assert server.recv(1) == b""


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_file_that_grows_is_sent_to_its_end(net, pair, much, timeout):
    a, b = pair
    file, data = much
    a.settimeout(timeout)
    sending = Sending(a, file)
    sending.start()
    sending.until_it_waits(b)
    more = os.urandom(1_000_000)
    os.pwrite(file.fileno(), more, MUCH)
    got = bytearray()
    while len(got) < MUCH + len(more):
        got += b.recv(1 << 20)
    sending.join()
    assert sending.result == file.tell() == MUCH + len(more)
    assert got == data + more


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_file_that_is_cut_off_is_sent_as_far_as_it_goes(net, pair, much, timeout):
    a, b = pair
    file, data = much
    a.settimeout(timeout)
    sending = Sending(a, file)
    sending.start()
    sending.until_it_waits(b)
    os.ftruncate(file.fileno(), 1000)
    got = bytearray()
    while sending.is_alive() or pending(b):
        if pending(b):
            got += b.recv(1 << 20)
    sending.join()
    assert 0 < sending.result == file.tell() == len(got) < MUCH
    assert got[:1000] == data[:1000]


@pytest.mark.parametrize("timeout", [None, 30])
@pytest.mark.parametrize("offset", [0, 1000])
def test_a_peer_that_resets_in_the_middle(net, tcp_pair, much, timeout, offset):
    """The error is raised, and the file stands behind what the kernel took."""
    client, server = tcp_pair
    file, _ = much
    client.settimeout(timeout)
    sending = Sending(client, file, offset)
    sending.start()
    sending.until_it_waits(server)
    taken = len(server.recv(100_000))
    server.setsockopt(net.SOL_SOCKET, net.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    sending.join()
    assert isinstance(sending.result, ConnectionError)
    assert sending.result.errno in (errno.ECONNRESET, errno.EPIPE)
    assert offset + taken <= file.tell() < MUCH


def test_a_peer_that_was_gone_before(net, pair, much):
    a, b = pair
    file, _ = much
    b.close()
    with pytest.raises(BrokenPipeError):
        a.sendfile(file, 5)
    assert file.tell() == 5 + 8192  # as far as it was read, for a send() in vain


def test_a_timeout_in_the_middle(net, pair, much):
    a, b = pair
    file, data = much
    a.settimeout(0.05)
    with pytest.raises(TimeoutError, match="timed out"):
        a.sendfile(file, 1000)
    where = file.tell()
    a.close()
    got = drain(b)
    assert 0 < len(got) < MUCH and where == 1000 + len(got)
    assert got == data[1000:where]


def test_the_timeout_is_for_each_wait(net, pair, much):
    """A reader that takes a little now and then does not let it run out."""
    a, b = pair
    file, data = much
    a.settimeout(0.5)
    a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
    b.settimeout(10)
    sending = Sending(a, file, 0, 2_000_000)
    start = time.monotonic()
    sending.start()
    got = bytearray()
    while len(got) < 2_000_000:
        time.sleep(0.05)
        got += b.recv(65536)
    sending.join()
    assert time.monotonic() - start > 1
    assert sending.result == 2_000_000 and got == data[:2_000_000]


def test_an_o_nonblock_set_behind_the_socket_is_waited_out(net, pair, much):
    a, b = pair
    file, data = much
    os.set_blocking(a.fileno(), False)
    sending = Sending(a, file)
    sending.start()
    sending.until_it_waits(b)
    before = time.clock_gettime(time.pthread_getcpuclockid(sending.ident))
    time.sleep(0.2)
    assert time.clock_gettime(time.pthread_getcpuclockid(sending.ident)) - before < 0.1  # no spin
    got = bytearray()
    while len(got) < MUCH:
        got += b.recv(1 << 20)
    sending.join()
    assert sending.result == MUCH and got == data


@contextlib.contextmanager
def alarms(handler, *times):
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *times)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_that_raises_in_the_middle(net, pair, much, timeout):
    """What the kernel had taken counts: the position says so.

    Of a blocking socket the standard library does not know it: the handler runs before it has
    looked at what its last call returned.
    """
    a, b = pair
    file, data = much
    a.settimeout(timeout)

    def handler(*_):
        raise ZeroDivisionError

    with alarms(handler, 0.1), pytest.raises(ZeroDivisionError):
        a.sendfile(file, 1000)
    where = file.tell()
    a.close()
    got = drain(b)
    assert 0 < len(got) < MUCH and got == data[1000 : 1000 + len(got)]
    known = timeout or getattr(net, "BACKEND", "stdlib") == "c"
    assert where == (1000 + len(got) if known else 0)


def test_a_handler_that_raises_beside_an_error_that_stays(net, tcp_pair, much):
    """While nobody reads the error queue poll() is no wait, and is interrupted by nothing."""
    a, b = tcp_pair
    a.setsockopt(net.SOL_SOCKET, SO_TIMESTAMPING, TX_TIMESTAMPS)
    os.set_blocking(a.fileno(), False)

    def handler(*_):
        raise ZeroDivisionError

    with alarms(handler, 0.2), pytest.raises(ZeroDivisionError):
        a.sendfile(much[0])


@pytest.mark.parametrize("timeout", [None, 30])
def test_handlers_run_in_the_middle_and_nothing_is_lost(net, pair, much, timeout):
    a, b = pair
    file, data = much
    a.settimeout(timeout)
    ran = []
    got = bytearray()

    def read():
        while piece := b.recv(50_000):
            got.extend(piece)
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    with alarms(lambda *_: ran.append(len(got)), 0.005, 0.005):
        assert a.sendfile(file) == MUCH
    a.shutdown(net.SHUT_WR)
    reader.join()
    assert got == data
    assert len(set(ran)) > 10


def test_a_handler_that_closes_the_socket(net, pair, much):
    a, b = pair
    file, data = much
    a.settimeout(30)
    with alarms(lambda *_: a.close(), 0.1), pytest.raises((OSError, ValueError)):
        a.sendfile(file)
    where = file.tell()
    got = drain(b)
    assert 0 < len(got) == where and got == data[:where]


def test_a_subclass_with_its_own_send(net, tmp_path):
    """What is no file goes through `send`, whoever defines it."""

    class Counting(net.socket):
        calls = 0

        def send(self, data, flags=0):
            type(self).calls += 1
            return super().send(data, flags)

    a, b = net.socketpair()
    with Counting(fileno=a.detach()) as own, b:
        assert own.sendfile(io.BytesIO(b"x" * 20_000)) == 20_000
        assert Counting.calls >= 3
