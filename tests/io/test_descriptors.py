"""Descriptors sent and received: close-on-exec, and all of them or none."""

import array
import contextlib
import errno
import fcntl
import os
import resource
import struct
import subprocess
import sys

import pytest
from support.descriptors import LOST, UNIX_KINDS, close, count_open, opening, unix_pair

SO_PASSPIDFD = 76


@pytest.fixture
def some():
    with opening() as some:
        yield some


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
