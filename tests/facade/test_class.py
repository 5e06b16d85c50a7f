"""What a `pysock.socket` is: a true subclass, with the manners of the standard library's class."""

import copy
import errno
import gc
import io
import os
import pickle
import re
import socket
import subprocess
import sys
import warnings
import weakref
from unittest import mock

import pytest
from support.paths import ROOT


def test_it_is_a_socket(pysock, pair):
    a, _ = pair
    assert isinstance(a, socket.socket)
    assert isinstance(a, socket.SocketType)
    assert pysock.SocketType is socket.SocketType
    assert type(a) is pysock.socket
    assert pysock.socket.__mro__[1] is socket.socket
    assert pysock.socket.__name__ == "socket"
    assert pysock.socket.__module__ == pysock.__name__
    assert not hasattr(a, "__dict__")


def test_everything_that_makes_sockets_makes_pysocks(pysock, pair):
    a, b = pair
    made = [a, b, a.dup(), pysock.fromfd(b.fileno(), b.family, b.type)]
    listener = pysock.create_server(("127.0.0.1", 0))
    made += [listener, pysock.create_connection(listener.getsockname())]
    made += [listener.accept()[0], pysock.socket(), pysock.socket(fileno=os.dup(a.fileno()))]
    made += pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    try:
        assert [type(sock) for sock in made] == [pysock.socket] * len(made)
    finally:
        for sock in made:
            sock.close()


def test_other_families_are_delegated(pysock):
    with pysock.socket(pysock.AF_NETLINK, pysock.SOCK_RAW) as sock:
        sock.bind((0, 0))
        assert sock.getsockname()[1] == 0
        assert sock.family == pysock.AF_NETLINK
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sock.recv(10)


def test_family_and_type(net):
    for family in (net.AF_INET, net.AF_INET6, net.AF_UNIX):
        for kind in (net.SOCK_STREAM, net.SOCK_DGRAM):
            with net.socket(family, kind | net.SOCK_NONBLOCK) as sock:
                for _ in range(2):
                    assert sock.family is family
                    assert sock.type is kind
                    assert sock.proto == 0
                assert sock.gettimeout() == 0
    with pytest.raises(AttributeError):
        sock.family = 1
    assert isinstance(net.socket.family, property)


def test_what_makes_enum_members_is_looked_up_each_time(pysock, monkeypatch):
    def converted(number, cls):
        return cls.__name__, int(number)

    def address():
        return pysock.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][:2]

    known = socket.AF_INET, socket.SOCK_STREAM
    with pysock.socket() as sock:
        for _ in range(2):
            assert (sock.family, sock.type) == address() == known
            with monkeypatch.context() as patch:
                # The properties are of the module `socket`; getaddrinfo() is of the package.
                patch.setattr(socket, "_intenum_converter", converted)
                patch.setattr(pysock, "_intenum_converter", converted)
                expected = ("AddressFamily", 2), ("SocketKind", 1)
                assert (sock.family, sock.type) == address() == expected
            assert sock.family is socket.AF_INET and sock.type is socket.SOCK_STREAM
            with monkeypatch.context() as patch:
                for name in ("AddressFamily", "SocketKind"):
                    patch.setattr(socket, name, int)
                    patch.setattr(pysock, name, int)
                assert {type(each) for each in (sock.family, sock.type, *address())} == {int}


def test_subclasses(net):
    class Counting(net.socket):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.count = 0

        def send(self, data, flags=0):
            self.count += 1
            return super().send(data, flags)

        def _real_close(self):
            self.count = -1
            super()._real_close()

    a, b = net.socketpair()
    with b:
        own = Counting(fileno=a.detach())
        own.send(b"x")
        assert (b.recv(1), own.count) == (b"x", 1)
        with own.dup() as twin:
            assert type(twin) is Counting
        file = own.makefile("wb")
        own.close()
        assert own.count == 1
        file.close()
        assert own.count == -1
        assert own.fileno() == -1


def test_repr(net):
    with net.create_server(("127.0.0.1", 0)) as sock:
        text = repr(sock)
        for part in (f"fd={sock.fileno()}", "family=", "type=", "proto=0", "laddr=('127.0.0.1', "):
            assert part in text
    assert "[closed]" in repr(sock)


def test_repr_is_what_filters_for_warnings_know(net):
    """`ignore:unclosed <socket.socket:ResourceWarning` is in many a project's settings."""

    class Own(net.socket):
        pass

    with net.socket() as sock, Own() as own, net.socket(net.AF_INET, net.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        assert repr(sock).startswith(f"<socket.socket fd={sock.fileno()}, ")
        assert repr(own).startswith(f"<{__name__}.test_repr_is_what_filters_for_warnings_know.")
        assert repr(datagrams).startswith(f"<socket.socket fd={datagrams.fileno()}, ")
    assert repr(sock).startswith("<socket.socket [closed] fd=-1, ")
    with pytest.warns(ResourceWarning, match="^unclosed <socket.socket fd="):
        net.socket()
        gc.collect()


def test_unclosed_at_exit_is_told_of_by_the_same_text():
    code = "import socket; kept = socket.socket()"
    said = [
        subprocess.run(
            [sys.executable, "-W", "always", *way, "-c", code],
            check=True,
            capture_output=True,
            text=True,
        ).stderr
        for way in ([], ["-m", "pysock"])
    ]
    before, after = (re.findall("unclosed <[^ ]* fd=", each) for each in said)
    assert before == after == ["unclosed <socket.socket fd="]
    assert "Exception ignored" not in said[1]


def test_weak_references_and_no_pickle(net, pair):
    a, _ = pair
    assert weakref.ref(a)() is a
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(a, protocol)
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            duplicate(a)


def test_nothing_but_multiprocessing_pickles_a_socket(pysock, pair):
    """Also when it is there, and has been told; and the socket is none the worse for it."""
    from multiprocessing.reduction import ForkingPickler

    class Derived(pysock.socket):
        pass

    a, b = pair
    with Derived() as derived:
        for refused, pickler in ((derived, ForkingPickler), (derived, pickle), (a, pickle)):
            with pytest.raises(TypeError, match=f"cannot pickle {type(refused).__name__!r} object"):
                pickler.dumps(refused)
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle 'socket' object"):
            duplicate(a)
    gc.collect()
    a.sendall(b"still here")
    assert b.recv(10) == b"still here"


# What an interpreter before 3.15 ignores.
@pytest.mark.parametrize("imports", ["normal", "all"])
def test_multiprocessing_is_told(pysock, imports):
    """By the import alone, also where no module runs before a name of it is used."""
    program = (
        "import pysock; from multiprocessing.reduction import ForkingPickler\n"
        "with pysock.socket() as sock: print(len(ForkingPickler.dumps(sock)) > 0)"
    )
    fallback = "1" if pysock.BACKEND == "stdlib" else ""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-X", f"lazy_imports={imports}", "-Werror", "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": fallback},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


@pytest.mark.parametrize("make", ["socket", "socketpair", "accept", "dup", "fromfd"])
def test_an_unclosed_socket_warns_and_is_closed(net, make):
    with net.create_server(("127.0.0.1", 0)) as listener:
        client = net.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            sock = {
                "socket": lambda: net.socket(),
                "socketpair": lambda: net.socketpair()[0],
                "accept": lambda: server.dup(),
                "dup": lambda: server.dup(),
                "fromfd": lambda: net.fromfd(server.fileno(), server.family, server.type),
            }[make]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fd = sock().fileno()
                gc.collect()
            assert caught[0].category is ResourceWarning
            assert str(caught[0].message).startswith("unclosed <socket.socket fd=")
            with pytest.raises(OSError):
                os.fstat(fd)


def test_close(net):
    a, b = net.socketpair()
    with b:
        fd = a.fileno()
        a.close()
        a.close()
        assert a.fileno() == -1
        with pytest.raises(OSError):
            os.fstat(fd)
        assert b.recv(1) == b""


def test_close_reports_an_error_and_gives_the_descriptor_up(net):
    sock = net.socket()
    os.close(sock.fileno())
    with pytest.raises(OSError):
        sock.close()
    assert sock.fileno() == -1


def test_detach(net):
    a, b = net.socketpair()
    with b:
        fd = a.detach()
        assert a.fileno() == -1
        with net.socket(fileno=fd) as again:
            assert again.family == net.AF_UNIX
            again.send(b"x")
            assert b.recv(1) == b"x"


def test_makefile_keeps_the_socket_open_until_it_is_closed(net, pair):
    a, b = pair
    before = sys.getrefcount(a)
    file = a.makefile("rwb")
    a.close()
    file.write(b"line\n")
    file.flush()
    assert b.recv(10) == b"line\n"
    b.sendall(b"one\ntwo\n")
    assert file.readline() == b"one\n"
    file.close()
    del file
    assert sys.getrefcount(a) == before
    assert a.fileno() == -1


@pytest.mark.parametrize(
    "mode, type",
    [
        ("rb", io.BufferedReader),
        ("wb", io.BufferedWriter),
        ("r", io.TextIOWrapper),
        ("rwb", io.BufferedRWPair),
    ],
)
def test_makefile_modes(net, pair, mode, type):
    with pair[0].makefile(mode) as file:
        assert isinstance(file, type)
    with pytest.raises(ValueError):
        pair[0].makefile("x")


def test_a_mock_can_be_specified_by_the_class(net):
    sock = mock.Mock(spec_set=net.socket)
    sock.recv.return_value = b"x"
    assert sock.recv(1) == b"x"
    for name in ("family", "type", "proto", "fileno", "sendall", "settimeout", "_accept"):
        getattr(sock, name)


def test_the_interpreters_type_is_untouched(pysock):
    import _socket

    assert _socket.socket.__module__ == "_socket"
    assert _socket.socket.recv is not pysock.socket.recv or pysock.BACKEND == "stdlib"
    with pytest.raises(TypeError):
        _socket.socket.recv = None


def test_a_taken_over_descriptor_is_checked(net, pair):
    for wrong, error in [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (10**6, OSError)]:
        with pytest.raises(error):
            net.socket(fileno=wrong)
    with open(os.devnull) as file, pytest.raises(OSError):
        net.socket(fileno=file.fileno())


def test_the_descriptor_is_not_inherited(net, pair):
    with net.create_server(("127.0.0.1", 0)) as listener:
        with net.create_connection(listener.getsockname()) as client:
            with listener.accept()[0] as server:
                for sock in (*pair, listener, client, server):
                    assert not os.get_inheritable(sock.fileno())


def test_documentation(pysock):
    for name in ("recv", "send", "accept", "bind", "connect", "sendmsg", "shutdown", "settimeout"):
        assert getattr(pysock.socket, name).__doc__
    assert pysock.socket.__doc__


class SSLError(OSError):
    """An error of some other library's, with the number that it has there."""


@pytest.mark.parametrize("act", ["readinto", "write"])
@pytest.mark.parametrize(
    "error, blocks",
    [
        (BlockingIOError(errno.EAGAIN, "no"), True),
        (SSLError(errno.EAGAIN, "no"), True),
        (SSLError(errno.EWOULDBLOCK, "no"), True),
        (SSLError(2, "no"), False),
        (SSLError("no"), False),
        (BlockingIOError("no"), False),
        (BlockingIOError(errno.EINPROGRESS, "no"), False),
        (InterruptedError(errno.EINTR, "no"), False),
        (TimeoutError(errno.EAGAIN, "no"), None),
        (TimeoutError("no"), False),
    ],
    ids=repr,
)
def test_what_a_file_takes_for_would_block_is_told_by_the_number(net, act, error, blocks):
    class Mock(net.socket):
        def send(self, *args):
            raise error

        recv_into = send

    with Mock() as sock, net.SocketIO(sock, "rw") as file:
        if blocks or blocks is None and act == "write":
            assert getattr(file, act)(bytearray(1)) is None
        else:
            with pytest.raises(type(error)) as caught:
                getattr(file, act)(bytearray(1))
            assert caught.value is error
        if act == "readinto" and isinstance(error, TimeoutError):
            with pytest.raises(OSError, match="timed out object"):
                file.readinto(bytearray(1))


def test_a_file_after_a_timeout_and_without_data(net, pair):
    a, b = pair
    with b.makefile("rb", buffering=0) as file:
        b.setblocking(False)
        assert file.readinto(bytearray(4)) is None
        b.settimeout(0.01)
        with pytest.raises(TimeoutError):
            file.readinto(bytearray(4))
        a.sendall(b"late")
        with pytest.raises(OSError, match="timed out object"):
            file.readinto(bytearray(4))
    with pytest.raises(ValueError):
        file.readinto(bytearray(4))
    with a.makefile("wb", buffering=0) as file:
        assert file.write(b"x") == 1
        with pytest.raises(io.UnsupportedOperation):
            file.readinto(bytearray(4))
        a.setblocking(False)
        while file.write(b"x" * 65536) is not None:
            pass
