"""sendfile: what it returns, what arrives, where the file stands afterwards, as with `socket`."""

import contextlib
import errno
import fcntl
import io
import os
import signal
import socket
import struct
import termios
import threading
import time

import pytest

MUCH = 5_000_000  # more than any socket's buffers hold


class OnlyRead:
    """What the documentation asks of a file, and no more."""

    def __init__(self, data):
        self._data = io.BytesIO(data)
        self.read = self._data.read


class NoDescriptor(io.BytesIO):
    def fileno(self):
        raise io.UnsupportedOperation("no descriptor")


class OthersDescriptor(io.BytesIO):
    """Says that it has a descriptor, of something that sendfile(2) does not take."""

    def __init__(self, data, fd):
        super().__init__(data)
        self.fileno = lambda: fd


@contextlib.contextmanager
def opened(kind, path):
    """A file of some kind with the ten bytes 0123456789."""
    data = b"0123456789"
    if not path.exists():
        path.write_bytes(data)
    if kind == "file":
        with open(path, "rb") as file:
            yield file
    elif kind == "file, half read":
        with open(path, "rb") as file:
            file.read(5)
            yield file
    elif kind == "unbuffered file":
        with open(path, "rb", buffering=0) as file:
            yield file
    elif kind == "file for reading and writing":
        with open(path, "r+b") as file:
            yield file
    elif kind == "file for writing":
        with open(path, "ab") as file:
            yield file
    elif kind == "closed file":
        file = open(path, "rb")
        file.close()
        yield file
    elif kind == "text file":
        with open(path) as file:
            yield file
    elif kind == "empty file":
        path.with_name("empty").touch()
        with open(path.with_name("empty"), "rb") as file:
            yield file
    elif kind == "memory file":
        with open(os.memfd_create("memory"), "w+b") as file:
            file.write(data)
            file.flush()
            yield file
    elif kind == "pipe":
        r, w = os.pipe()
        with open(r, "rb", buffering=0) as file, open(w, "wb", buffering=0) as writing:
            writing.write(data)
            yield file
    elif kind == "device":
        with open("/dev/zero", "rb", buffering=0) as file:
            yield file
    elif kind == "file of the kernel":
        with open("/proc/self/comm", "rb") as file:
            yield file
    elif kind == "directory":
        fd = os.open(path.parent, os.O_RDONLY)
        yield OthersDescriptor(data, fd)
        os.close(fd)
    elif kind == "no such descriptor":
        yield OthersDescriptor(data, 10**6)
    elif kind == "what is no descriptor":
        yield OthersDescriptor(data, "1")
    elif kind == "descriptor":
        yield 3
    else:
        classes = {"BytesIO": io.BytesIO, "only read": OnlyRead, "no descriptor": NoDescriptor}
        yield classes[kind](data)


KINDS = [
    "file",
    "file, half read",
    "unbuffered file",
    "file for reading and writing",
    "file for writing",
    "closed file",
    "text file",
    "empty file",
    "memory file",
    "pipe",
    "device",
    "file of the kernel",
    "directory",
    "no such descriptor",
    "what is no descriptor",
    "descriptor",
    "BytesIO",
    "only read",
    "no descriptor",
]
PARTS = [
    (),
    (0, None),
    (3,),
    (10,),
    (11,),
    (1000, 5),
    (0, 4),
    (4, 4),
    (8, 100),
    (0, 2**40),
    (0, 2**63 - 1),
    (0, 2**63),
    (0, 2**70),
    (0, True),
    (0, 0),
    (0, -1),
    (0, "1"),
    (0, 1.0),
    (-1,),
    (None,),
    ("1",),
    (1.5,),
    (2**63,),
    (2**63 - 1,),
    (-(2**70),),
]


def position(file):
    try:
        return file.tell()
    except (AttributeError, ValueError, OSError) as error:
        return type(error)


def outcome(module, prepare, kind, part, path):
    """What came of it: the result or the exception, where the file stands, what arrived."""
    a, b = module.socketpair()
    with a, b, opened(kind, path) as file:
        prepare(a)
        try:
            result = a.sendfile(file, *part)
        except Exception as error:
            result = type(error), str(error)
        where = position(file)
        arrived = b""
        with contextlib.suppress(BlockingIOError):
            arrived = b.recv(1000, socket.MSG_DONTWAIT)
        return result, where, arrived


MODES = {
    "blocking": lambda sock: sock.settimeout(None),
    "timeout": lambda sock: sock.settimeout(5),
    "non-blocking": lambda sock: sock.settimeout(0),
    "closed": lambda sock: sock.close(),
    "shut down": lambda sock: sock.shutdown(socket.SHUT_WR),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_as_the_standard_library(pysock, tmp_path, kind, mode):
    for part in PARTS:
        expected = outcome(socket, MODES[mode], kind, part, tmp_path / "data")
        came = outcome(pysock, MODES[mode], kind, part, tmp_path / "data")
        assert came == expected, part


def test_what_it_is_for(net, tmp_path):
    """That the oracle is right, too."""
    whole = outcome(net, MODES["timeout"], "file", (), tmp_path / "data")
    assert whole == (10, 10, b"0123456789")
    part = outcome(net, MODES["blocking"], "file, half read", (2, 5), tmp_path / "data")
    assert part == (5, 7, b"23456")
    beyond = outcome(net, MODES["blocking"], "file, half read", (11,), tmp_path / "data")
    assert beyond == (0, 5, b"")
    memory = outcome(net, MODES["blocking"], "BytesIO", (8, 100), tmp_path / "data")
    assert memory == (2, 10, b"89")


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET"])
def test_streams_only(pysock, tmp_path, kind):
    for data in (b"", b"x"):
        (tmp_path / "data").write_bytes(data)
        for module in (pysock, socket):
            a, b = module.socketpair(module.AF_UNIX, getattr(module, kind))
            with a, b, open(tmp_path / "data", "rb") as file:
                if kind == "SOCK_DGRAM":
                    with pytest.raises(ValueError):
                        a.sendfile(file)
                else:
                    assert a.sendfile(file) == len(data)


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
