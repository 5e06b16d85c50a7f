"""Descriptors sent and received, and the credentials of a peer: nothing leaked, nothing misread."""

import array
import contextlib
import errno
import fcntl
import os
import pickle
import resource
import signal
import ssl
import struct
import subprocess
import sys
import threading

import pytest

LOST = "descriptors were lost"
SO_PASSPIDFD = 76
UNIX_KINDS = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET")


@pytest.fixture
def some():
    """A function that opens files; all of them are closed in the end."""
    opened = []

    def some(count):
        fds = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(count)]
        opened.extend(fds)
        return fds

    yield some
    for fd in opened:
        os.close(fd)


def close(fds):
    for fd in fds:
        os.close(fd)


def count_open():
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def unix_pair(module, kind):
    a, b = module.socketpair(module.AF_UNIX, getattr(module, kind))
    with a, b:
        yield a, b


@contextlib.contextmanager
def alarm_raises(seconds):
    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", UNIX_KINDS)
@pytest.mark.parametrize("timeout", [None, 10, 0])
def test_there_and_back(pysock, some, kind, timeout):
    r, w = os.pipe()
    with unix_pair(pysock, kind) as (a, b), open(r, "rb") as reading, open(w, "wb") as writing:
        a.settimeout(timeout)
        b.settimeout(timeout)
        assert a.send_fds([b"ab", bytearray(b"c")], [reading.fileno(), writing.fileno()]) == 3
        data, fds, flags, address = b.recv_fds(100, 2)
        try:
            assert data == b"abc"
            assert flags & ~pysock.MSG_EOR == 0 and address is None
            assert not {reading.fileno(), writing.fileno()} & set(fds)
            os.write(fds[1], b"through")
            assert os.read(fds[0], 100) == b"through"
        finally:
            close(fds)


@pytest.mark.parametrize("sender", ["method", "function"])
@pytest.mark.parametrize("receiver", ["method", "function"])
def test_with_the_standard_librarys_functions(net, some, sender, receiver):
    """The methods speak to the module's functions, which are the standard library's."""
    fds = some(3)
    a, b = net.socketpair()
    with a, b:
        if sender == "method" and hasattr(a, "send_fds"):
            assert a.send_fds([b"x"], fds) == 1
        else:
            assert net.send_fds(a, [b"x"], fds) == 1
        if receiver == "method" and hasattr(b, "recv_fds"):
            data, came, flags, address = b.recv_fds(10, 5)
        else:
            data, came, flags, address = net.recv_fds(b, 10, 5)
        close(came)
        assert (data, len(came), flags & ~net.MSG_CMSG_CLOEXEC, address) == (b"x", 3, 0, None)
        assert type(came) is list


def test_flags_and_addresses(pysock, some, tmp_path):
    """The standard library's functions take these and forget them."""
    [fd] = some(1)
    with (
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as a,
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as b,
    ):
        a.bind(tmp_path / "a")
        b.bind(tmp_path / "b")
        with pytest.raises(BlockingIOError):
            b.recv_fds(10, 1, pysock.MSG_DONTWAIT)
        with pytest.raises(BlockingIOError):
            b.recv_fds(bufsize=10, maxfds=1, flags=pysock.MSG_DONTWAIT)
        assert a.send_fds([b"0123456789"], [fd], 0, tmp_path / "b") == 10
        assert a.send_fds(buffers=[b"x"], fds=(fd,), flags=0, address=str(tmp_path / "b")) == 1
        for flags in (pysock.MSG_PEEK, 0):
            data, fds, msg_flags, address = b.recv_fds(4, 1, flags)
            close(fds)
            assert (data, len(fds), address) == (b"0123", 1, str(tmp_path / "a"))
            assert msg_flags & pysock.MSG_TRUNC
        data, fds, _, _ = b.recv_fds(4, 1, pysock.MSG_TRUNC)
        close(fds)
        assert data == b"x"


@pytest.mark.parametrize("bufsize", [0, 1, 5000, 100_000])
def test_as_many_bytes_as_were_asked_for(pysock, some, bufsize):
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):
        sent = bytes(range(256)) * 40
        a.send_fds([sent], some(1))
        data, fds, _, _ = b.recv_fds(bufsize, 1)
        close(fds)
        assert data == sent[:bufsize]
        assert len(fds) == 1
        if bufsize < len(sent):
            assert b.recv(100_000) == sent[bufsize:]


def test_the_end_of_the_stream(pysock):
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):
        a.close()
        assert b.recv_fds(10, 3) == (b"", [], 0, None)


def test_bytes_without_descriptors(pysock, pair, tcp_pair):
    for a, b in (pair, tcp_pair):
        a.sendall(b"abc")
        assert b.recv_fds(10, 3)[:3] == (b"abc", [], 0)
        assert a.send_fds([b"xyz"], []) == 3
        assert b.recv_fds(10, 0)[:3] == (b"xyz", [], 0)


# Close-on-exec

LOOK = """
import os, sys
for fd in map(int, sys.argv[1:]):
    try:
        print(os.path.samestat(os.fstat(fd), os.stat("/dev/null")))
    except OSError:
        print(None)
"""


def seen_by_a_child(fds):
    command = [sys.executable, "-S", "-c", LOOK, *map(str, fds)]
    done = subprocess.run(command, close_fds=False, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_program_that_is_executed_does_not_have_them(pysock, pair, some):
    a, b = pair
    a.send_fds([b"x"], some(2))
    fds = b.recv_fds(1, 2)[1]
    try:
        assert [fcntl.fcntl(fd, fcntl.F_GETFD) for fd in fds] == [fcntl.FD_CLOEXEC] * 2
        assert seen_by_a_child(fds) == ["None"] * 2
        os.set_inheritable(fds[1], True)
        assert seen_by_a_child(fds) == ["None", "True"]  # the child can see one that is there
    finally:
        close(fds)


def test_those_of_the_modules_functions_are_inherited_as_ever(net, pair, some):
    a, b = pair
    net.send_fds(a, [b"x"], some(2))
    fds = net.recv_fds(b, 1, 2)[1]
    try:
        assert seen_by_a_child(fds) == ["True", "True"]
    finally:
        close(fds)


# What does not fit


@pytest.mark.parametrize("kind", UNIX_KINDS)
@pytest.mark.parametrize(
    ("maxfds", "sent"), [(0, 1), (0, 253), (1, 2), (1, 3), (2, 3), (3, 4), (3, 253), (252, 253)]
)
def test_more_than_maxfds(pysock, some, kind, maxfds, sent):
    """Two fit into the room for one: the kernel rounds it up."""
    fds = some(sent)
    with unix_pair(pysock, kind) as (a, b):
        a.send_fds([b"first"], fds)
        a.send_fds([b"second"], fds[:maxfds])
        before = count_open()
        with pytest.raises(OSError, match=LOST) as caught:
            b.recv_fds(5, maxfds)
        assert count_open() == before
        assert caught.value.errno == errno.EMSGSIZE
        assert caught.value.partial == b"first"
        data, came, _, _ = b.recv_fds(6, maxfds)
        close(came)
        assert (data, len(came)) == (b"second", maxfds)


def test_descriptors_that_are_left_when_the_process_may_open_no_more(pysock, pair, some):
    a, b = pair
    fds = some(3)
    a.send_fds([b"abc"], fds)
    a.send_fds([b"def"], fds)
    before = set(map(int, os.listdir("/proc/self/fd")))
    free = next(number for number in range(3, 10**6) if number not in before)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    top = max(before) + 2
    filler = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
        with contextlib.suppress(OSError):
            while True:
                filler.append(os.open(os.devnull, os.O_RDONLY))
        os.close(filler.pop())
        with pytest.raises(OSError, match=LOST) as caught:
            b.recv_fds(3, 3)
        filler.append(os.open(os.devnull, os.O_RDONLY))  # the one that came was closed
        with pytest.raises(OSError) as full:
            os.open(os.devnull, os.O_RDONLY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        close(filler)
    assert free <= top
    assert full.value.errno == errno.EMFILE
    assert (caught.value.errno, caught.value.partial) == (errno.EMSGSIZE, b"abc")
    data, came, _, _ = b.recv_fds(3, 3)
    close(came)
    assert (data, len(came)) == (b"def", 3)


@pytest.mark.parametrize("maxfds", [0, 1, 2, 3])
@pytest.mark.parametrize("sent", [0, 1, 2, 3])
def test_credentials_beside_them(pysock, some, maxfds, sent):
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_PASSCRED, 1)
        with contextlib.suppress(OSError):  # Linux 6.5 and later
            b.setsockopt(pysock.SOL_SOCKET, SO_PASSPIDFD, 1)
        a.send_fds([b"x"], some(sent))
        before = count_open()
        if sent > maxfds:
            with pytest.raises(OSError, match=LOST):
                b.recv_fds(10, maxfds)
        else:
            data, fds, flags, _ = b.recv_fds(10, maxfds)
            assert (data, len(fds), flags) == (b"x", sent, 0)
            close(fds)
        assert count_open() == before


def test_everything_at_once_beside_them(pysock, some):
    with unix_pair(pysock, "SOCK_DGRAM") as (a, b):
        for option in (pysock.SO_PASSCRED, pysock.SO_TIMESTAMPNS, pysock.SO_RXQ_OVFL):
            b.setsockopt(pysock.SOL_SOCKET, option, 1)
        with contextlib.suppress(OSError):
            b.setsockopt(pysock.SOL_SOCKET, SO_PASSPIDFD, 1)
        fds = some(253)
        a.sendmsg(
            [b"x"],
            [
                (pysock.SOL_SOCKET, pysock.SCM_RIGHTS, array.array("i", fds[:100])),
                (
                    pysock.SOL_SOCKET,
                    pysock.SCM_CREDENTIALS,
                    struct.pack("iII", os.getpid(), os.getuid(), os.getgid()),
                ),
                (pysock.SOL_SOCKET, pysock.SCM_RIGHTS, array.array("i", fds[100:])),
            ],
        )
        before = count_open()
        data, came, flags, _ = b.recv_fds(10, 253)
        assert (data, len(came), flags) == (b"x", 253, 0)
        close(came)
        assert count_open() == before


# What goes wrong


def test_more_than_the_kernel_sends(pysock, pair, some):
    a, b = pair
    fds = some(254)
    assert a.send_fds([b"x"], fds[:253]) == 1
    with pytest.raises(OSError) as caught:
        a.send_fds([b"y"], fds)
    assert caught.value.errno == errno.EINVAL
    came = b.recv_fds(10, 10**9)[1]
    close(came)
    assert len(came) == 253


def test_wrong_arguments(pysock, pair):
    a, b = pair
    for wrong in ([-1], [10**6]):
        with pytest.raises(OSError) as caught:
            a.send_fds([b"x"], wrong)
        assert caught.value.errno == errno.EBADF
    for wrong in (1, None, ["0"], [1.5], [2**31], [None]):
        with pytest.raises((TypeError, OverflowError)):
            a.send_fds([b"x"], wrong)
    with pytest.raises(TypeError):
        a.send_fds(b"x", [0])
    a.sendall(b"not read by mistake")
    for wrong in ((-1, 1), (10, -1), (-1, -1)):
        with pytest.raises(ValueError):
            b.recv_fds(*wrong)
    for wrong in (("1", 1), (1.5, 1), (1, None), (1, 1, "0"), (), (1,)):
        with pytest.raises(TypeError):
            b.recv_fds(*wrong)
    with pytest.raises(OverflowError):
        b.recv_fds(1, 1, 2**31)
    assert b.recv(100) == b"not read by mistake"
    b.close()
    with pytest.raises(OSError) as caught:
        b.recv_fds(1, 1)
    assert caught.value.errno == errno.EBADF


def test_an_iterable_of_descriptors_that_raises_or_closes_the_socket(pysock, some):
    [fd] = some(1)
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):

        def raising():
            yield fd
            raise ZeroDivisionError

        def closing():
            yield fd
            a.close()

        with pytest.raises(ZeroDivisionError):
            a.send_fds([b"x"], raising())
        with pytest.raises(OSError) as caught:
            a.send_fds([b"x"], closing())
        assert caught.value.errno == errno.EBADF
        assert b.recv_fds(10, 1)[:2] == (b"", [])


def test_timeouts(pysock, pair):
    _, b = pair
    b.settimeout(0.05)
    with pytest.raises(TimeoutError, match="timed out"):
        b.recv_fds(10, 1)
    b.setblocking(False)
    with pytest.raises(BlockingIOError):
        b.recv_fds(10, 1)


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_handler_that_raises_during_the_wait(pysock, pair, some, timeout):
    a, b = pair
    b.settimeout(timeout)
    with alarm_raises(0.05), pytest.raises(ZeroDivisionError):
        b.recv_fds(10, 1)
    a.send_fds([b"x"], some(1))
    data, fds, _, _ = b.recv_fds(10, 1)
    close(fds)
    assert data == b"x" and len(fds) == 1


@pytest.mark.parametrize("kind", UNIX_KINDS)
def test_a_handler_that_raises_at_any_moment(pysock, some, kind):
    """Each descriptor is handed over or closed, whenever the handler runs."""
    fds = some(20)
    before = count_open()
    got, received = [], 0
    with unix_pair(pysock, kind) as (a, b):
        over = threading.Event()

        def send():
            while not over.is_set():
                with contextlib.suppress(BlockingIOError):
                    a.send_fds([b"x"], fds, pysock.MSG_DONTWAIT)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            for microseconds in range(200, 500):
                with contextlib.suppress(ZeroDivisionError), alarm_raises(microseconds / 1e6):
                    while True:
                        # Not an assignment: the handler may run before it is done.
                        got.extend(map(b.recv_fds, (1,) * 10, (20,) * 10))
                received += len(got)
                for _, came, _, _ in got:
                    close(came)
                got.clear()
        finally:
            over.set()
            sender.join()
    assert received > 300
    assert count_open() == before


NO_MEMORY = """
import importlib, os, sys
import _testcapi
pysock = importlib.import_module("pysock")
a, b = pysock.socketpair()
fds = [os.dup(0) for _ in range(5)]
missing = 0
listing = os.listdir
for start in range(60):
    a.send_fds([b"x" * 600], fds)
    before = len(listing("/proc/self/fd"))
    came = None
    _testcapi.set_nomemory(start, start + 1)
    try:
        came = b.recv_fds(1000, 5)
    except MemoryError:
        missing += 1
    finally:
        _testcapi.remove_mem_hooks()
    if came:
        assert len(came[1]) == 5
        for fd in came[1]:
            os.close(fd)
    assert len(listing("/proc/self/fd")) == before, start
    b.settimeout(0)
    try:
        for fd in b.recv_fds(1000, 5)[1]:
            os.close(fd)
    except BlockingIOError:
        pass
    b.settimeout(None)
assert missing > 3
"""


def test_no_memory_for_the_list(pysock):
    environment = {k: v for k, v in os.environ.items() if k != "PYSOCK_NO_EXTENSIONS"}
    environment["PYTHONPATH"] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if pysock.BACKEND == "stdlib":
        environment["PYSOCK_NO_EXTENSIONS"] = "1"
    command = [sys.executable, "-c", NO_MEMORY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_class_with_a_recvmsg_of_its_own_is_asked_by_it(pysock, pair, some):
    class Refusing(pysock.socket):
        def recvmsg(self, *args):
            raise NotImplementedError

        sendmsg = recvmsg

    a, b = pair
    a.send_fds([b"x"], some(1))
    with Refusing(fileno=b.detach()) as own:
        with pytest.raises(NotImplementedError):
            own.recv_fds(10, 1)
        with pytest.raises(NotImplementedError):
            own.send_fds([b"x"], [0])
        assert own.recv(10) == b"x"


def test_never_beside_tls(pysock):
    """After install() these are methods of SSLSocket, too: nothing goes out in the clear."""
    assert "sendmsg not allowed" in ssl.SSLSocket.sendmsg.__code__.co_consts[1]
    with unix_pair(pysock, "SOCK_STREAM") as (a, b):

        class Encrypted(pysock.socket):
            sendmsg = ssl.SSLSocket.sendmsg
            recvmsg = ssl.SSLSocket.recvmsg

        with Encrypted(fileno=a.detach()) as own:
            with pytest.raises(NotImplementedError):
                own.send_fds([b"secret"], [0])
            with pytest.raises(NotImplementedError):
                own.recv_fds(1, 1)
        assert b.recv(10) == b""


def test_another_family_is_the_standard_librarys(pysock):
    with pysock.socket(pysock.AF_NETLINK, pysock.SOCK_RAW) as sock:
        sock.bind((0, 0))
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sock.recv_fds(10, 1)


# The peer's credentials


def test_the_peer_of_a_socketpair(pysock):
    own = (os.getpid(), os.getuid(), os.getgid())
    for kind in UNIX_KINDS:
        with unix_pair(pysock, kind) as (a, b):
            peer = a.peercred()
            assert peer == b.peercred() == own
            assert type(peer) is pysock.PeerCredentials and isinstance(peer, tuple)
            assert (peer.pid, peer.uid, peer.gid) == own
            pid, uid, gid = peer
            assert pickle.loads(pickle.dumps(peer)) == peer


CONNECT = """
import os, socket, sys
sock = socket.socket(socket.AF_UNIX)
if os.getuid() == 0:
    os.setgid(1234)
    os.setuid(1234)
sock.connect(sys.argv[1])
sock.recv(1)
"""


def test_the_peer_is_another_process(pysock, tmp_path):
    with pysock.socket(pysock.AF_UNIX) as listener:
        # Abstract: another user need not be able to go through directories.
        listener.bind(f"\0{tmp_path}")
        listener.listen()
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", CONNECT.replace("sys.argv[1]", repr(f"\0{tmp_path}"))]
        )
        with child:
            server, _ = listener.accept()
            with server:
                other = 1234 if os.getuid() == 0 else os.getuid()
                assert server.peercred() == (
                    child.pid,
                    other,
                    other if other == 1234 else os.getgid(),
                )
        with pysock.socket(pysock.AF_UNIX) as client:
            client.connect(f"\0{tmp_path}")
            assert client.peercred() == (os.getpid(), os.getuid(), os.getgid())


def test_no_peer(pysock, tcp_pair, udp_pair, tmp_path):
    with (
        pysock.socket(pysock.AF_UNIX) as unconnected,
        pysock.socket(pysock.AF_UNIX) as listener,
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as bound,
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as connected,
        pysock.socket() as tcp,
    ):
        listener.bind(tmp_path / "s")
        listener.listen()
        bound.bind(tmp_path / "d")
        connected.connect(tmp_path / "d")
        wrong = {unconnected: errno.ENOTCONN, listener: errno.ENOTCONN, bound: errno.ENOTCONN}
        wrong |= dict.fromkeys([connected, tcp, *tcp_pair, *udp_pair], errno.EOPNOTSUPP)
        for sock, number in wrong.items():
            with pytest.raises(OSError) as caught:
                sock.peercred()
            assert caught.value.errno == number, sock
    with pytest.raises(OSError) as caught:
        tcp.peercred()
    assert caught.value.errno == errno.EBADF
