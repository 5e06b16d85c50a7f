"""The same call on the standard library's socket and on pysock's: same result, or same exception.

One table of calls, hostile ones above all. The oracle is `socket` itself, in the same process. The
text of an exception counts, too. A wrong number of arguments is in test_argument_texts.py.
"""

import errno
import os
import socket
from unittest import mock

import pytest
from support.oracle import NUMBERS, Index, Seven, outcome
from support.parameter_ids import shown

BUFFERS = [
    b"", b"abc", bytearray(b"abc"), memoryview(b"abcdef")[::2], memoryview(bytearray(b"abc")),
    "text", None, 5, 5j, [b"abc"], object(), memoryview(b"").cast("B"),
]  # fmt: skip
ADDRESSES = [
    None, (), ("127.0.0.1",), ("127.0.0.1", 9, 9), "127.0.0.1", b"path", 9, [("127.0.0.1", 9)],
    ["127.0.0.1", 9], ("127.0.0.1", 1.5), ("127.0.0.1", None), ("127.0.0.1", -1),
    ("127.0.0.1", 65536), ("127.0.0.1", 2**70), (None, 9), (1.5, 9), ("a\0b", 9), (b"a\0b", 9),
    ("127.0.0.1\0", 9), ("x" * 300, 9), ("::1", 9), ("127.0.0.1", b"80"),
    ("\udcff", 9), ("127.0.0.1", Index(9)), ("127.0.0.1", Seven.SEVEN), (b"127.0.0.1", 9),
    (bytearray(b"127.0.0.1"), 9), ("127.1", 9), ("0x7f.1", 9), ("127.0.0.1 ", 9),
]  # fmt: skip
ADDRESSES6 = [
    ("::1", 9, -1), ("::1", 9, 2**20), ("::1", 9, 0, -1), ("::1", 9, 0, 2**32),
    ("::1", 9, 0, 0, 0), ("::1",),
    ("::1", 9, None), ("::1", 9, 0, "lo"), ("127.0.0.1", 9), ("::1", 9, 1.5), ("::1", 65536),
    ("::1", 9, 0xFFFFF, 0), ("g::1", 9), ("<broadcast>", 9),
]  # fmt: skip


def same(module, make, call):
    """Compare *call* on a socket that *make* makes with each module."""
    results = []
    for net in (socket, module):
        sock, rest = make(net)
        try:
            results.append(outcome(lambda: call(sock)))  # noqa: B023
        finally:
            for one in (sock, *rest):
                one.close()
    assert results[1] == results[0]


def datagram(net, family=socket.AF_INET):
    sock = net.socket(family, net.SOCK_DGRAM)
    sock.setblocking(False)
    return sock, ()


def stream(net):
    a, b = net.socketpair()
    b.sendall(b"0123456789")
    a.settimeout(0.01)
    return a, (b,)


def closed(net):
    a, b = net.socketpair()
    a.close()
    return a, (b,)


SIZED = {
    "recv": lambda s, n: s.recv(n),
    "recv flags": lambda s, n: s.recv(4, n),
    "recv_into": lambda s, n: s.recv_into(bytearray(5), n),
    "recv_into flags": lambda s, n: s.recv_into(bytearray(5), 0, n),
    "recvfrom": lambda s, n: s.recvfrom(n),
    "recvfrom flags": lambda s, n: s.recvfrom(4, n),
    "recvfrom_into": lambda s, n: s.recvfrom_into(bytearray(5), n),
    "recvmsg": lambda s, n: s.recvmsg(n),
    "recvmsg ancbufsize": lambda s, n: s.recvmsg(4, n),
    "recvmsg flags": lambda s, n: s.recvmsg(4, 0, n),
    "recvmsg_into ancbufsize": lambda s, n: s.recvmsg_into([bytearray(4)], n),
    "send flags": lambda s, n: s.send(b"", n),
    "sendall flags": lambda s, n: s.sendall(b"", n),
    "sendmsg flags": lambda s, n: s.sendmsg([b""], [], n),
    "listen": lambda s, n: s.listen(n),
    "shutdown": lambda s, n: s.shutdown(n),
    "setsockopt value": lambda s, n: s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, n),
    "setsockopt name": lambda s, n: s.setsockopt(socket.SOL_SOCKET, n, 1),
    "setsockopt level": lambda s, n: s.setsockopt(n, 9, 1),
    "setsockopt None": lambda s, n: s.setsockopt(socket.SOL_SOCKET, 9, None, n),
    "getsockopt length": lambda s, n: s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE, n),
    "getsockopt name": lambda s, n: s.getsockopt(socket.SOL_SOCKET, n),
    "getsockopt level": lambda s, n: s.getsockopt(n, 3),
    "settimeout": lambda s, n: (s.settimeout(n), s.gettimeout()),
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=shown)
@pytest.mark.parametrize("name", SIZED)
def test_numbers(pysock, name, number):
    same(pysock, stream, lambda s: SIZED[name](s, number))


@pytest.mark.parametrize("number", NUMBERS, ids=shown)
@pytest.mark.parametrize("place", range(4))
def test_making_a_socket(pysock, place, number):
    def make(net):
        arguments = [socket.AF_INET, socket.SOCK_STREAM, 0, None]
        arguments[place] = number
        with net.socket(*arguments) as sock:
            result = sock.family, sock.type, sock.proto
            return result

    assert outcome(lambda: make(pysock)) == outcome(lambda: make(socket))


BUFFERED = {
    "send": lambda s, b: s.send(b),
    "sendall": lambda s, b: s.sendall(b),
    "sendto": lambda s, b: s.sendto(b, ("127.0.0.1", 9)),
    "sendmsg": lambda s, b: s.sendmsg([b]),
    "sendmsg list": lambda s, b: s.sendmsg(b),
    "sendmsg ancdata": lambda s, b: s.sendmsg([b"x"], b),
    "sendmsg ancdata item": lambda s, b: s.sendmsg([b"x"], [(1, 1, b)]),
    "sendmsg ancdata entry": lambda s, b: s.sendmsg([b"x"], [b]),
    "recv_into": lambda s, b: s.recv_into(b),
    "recvfrom_into": lambda s, b: s.recvfrom_into(b),
    "recvmsg_into": lambda s, b: s.recvmsg_into([b]),
    "recvmsg_into list": lambda s, b: s.recvmsg_into(b),
    "setsockopt": lambda s, b: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b),
}


@pytest.mark.parametrize("buffer", BUFFERS, ids=shown)
@pytest.mark.parametrize("name", BUFFERED)
@pytest.mark.parametrize("make", [stream, datagram, closed])
def test_buffers(pysock, make, name, buffer):
    same(pysock, make, lambda s: BUFFERED[name](s, buffer))


class Raising:
    """A buffer that has a reason not to give its memory."""

    def __init__(self, reason):
        self.reason = reason

    def __buffer__(self, flags):  # asked for from Python 3.12 on
        raise self.reason


def released():
    view = memoryview(bytearray(4))
    view.release()
    return view


UNAVAILABLE = [
    released(), Raising(ValueError()), Raising(OSError(errno.EAGAIN, "not now")),
    Raising(MemoryError()), Raising(KeyboardInterrupt()),
]  # fmt: skip


def words(call):
    """What *call* raises, and what that says."""
    with pytest.raises(BaseException) as caught:
        call()
    return caught.type, str(caught.value), caught.value.__context__


@pytest.mark.parametrize("buffer", UNAVAILABLE, ids=["released", *"VOMK"])
@pytest.mark.parametrize("name", ["recv_into", "recvfrom_into", "recvmsg_into"])
def test_whatever_a_writable_buffer_raises_is_a_type_error(pysock, name, buffer):
    said = []
    for net in (socket, pysock):
        sock, rest = stream(net)
        said.append(words(lambda: BUFFERED[name](sock, buffer)))  # noqa: B023
        for one in (sock, *rest):
            one.close()
    assert said[1] == said[0]
    assert said[0][0] is TypeError


ADDRESSED = {
    "bind": lambda s, a: s.bind(a),
    "connect": lambda s, a: s.connect(a),
    "connect_ex": lambda s, a: s.connect_ex(a),
    "sendto": lambda s, a: s.sendto(b"x", a),
    "sendto flags": lambda s, a: s.sendto(b"x", 0, a),
    "sendmsg": lambda s, a: s.sendmsg([b"x"], [], 0, a),
}


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda a: ascii(a)[:40])
@pytest.mark.parametrize("name", ADDRESSED)
def test_addresses(pysock, name, address):
    same(pysock, datagram, lambda s: ADDRESSED[name](s, address))


@pytest.mark.parametrize("address", ADDRESSES6, ids=lambda a: ascii(a)[:40])
@pytest.mark.parametrize("name", ADDRESSED)
def test_ipv6_addresses(pysock, name, address):
    same(pysock, lambda net: datagram(net, net.AF_INET6), lambda s: ADDRESSED[name](s, address))


@pytest.mark.parametrize("address", [("127.0.0.1", 9), None, 5, "", b"", "\udcff" * 3, "x" * 108])
@pytest.mark.parametrize("name", ADDRESSED)
def test_unix_addresses(pysock, name, address, tmp_path, monkeypatch):
    def call(sock):
        for entry in os.listdir():
            os.unlink(entry)
        return ADDRESSED[name](sock, address)

    monkeypatch.chdir(tmp_path)
    same(pysock, lambda net: datagram(net, net.AF_UNIX), call)


@pytest.mark.parametrize("address", [("127.0.0.1", 9), ("::1", 9, 0, 0), "path", (0, 0)])
@pytest.mark.parametrize("name", ADDRESSED)
def test_addresses_of_another_family(pysock, name, address):
    """None is packed as one of the families that are known."""
    same(pysock, lambda net: datagram(net, net.AF_NETLINK), lambda s: ADDRESSED[name](s, address))


PLAIN = {
    "recv": lambda s: s.recv(1),
    "recv_into": lambda s: s.recv_into(bytearray(1)),
    "recvfrom": lambda s: s.recvfrom(1),
    "recvfrom_into": lambda s: s.recvfrom_into(bytearray(1)),
    "recvmsg": lambda s: s.recvmsg(1),
    "recvmsg_into": lambda s: s.recvmsg_into([bytearray(1)]),
    "send": lambda s: s.send(b"x"),
    "sendall": lambda s: s.sendall(b"x"),
    "sendto": lambda s: s.sendto(b"x", ("127.0.0.1", 9)),
    "sendmsg": lambda s: s.sendmsg([b"x"]),
    "accept": lambda s: s.accept(),
    "bind": lambda s: s.bind(("127.0.0.1", 0)),
    "connect": lambda s: s.connect(("127.0.0.1", 1)),
    "connect_ex": lambda s: s.connect_ex(("127.0.0.1", 1)),
    "listen": lambda s: s.listen(),
    "getsockname": lambda s: s.getsockname(),
    "getpeername": lambda s: s.getpeername(),
    "getsockopt": lambda s: s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE),
    "setsockopt": lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    "shutdown": lambda s: s.shutdown(socket.SHUT_RDWR),
    "setblocking": lambda s: s.setblocking(False),
    "settimeout": lambda s: s.settimeout(1),
    "gettimeout": lambda s: s.gettimeout(),
    "fileno": lambda s: s.fileno(),
    "detach": lambda s: (os.close(s.detach()), s.fileno()),
    "close": lambda s: s.close(),
    "family": lambda s: (s.family, repr(s.family)),
    "type": lambda s: (s.type, repr(s.type)),
    "dup": lambda s: s.dup().close(),
    "makefile": lambda s: s.makefile("rb").close(),
    "new attribute": lambda s: setattr(s, "color", 1),
    "reinitialised": lambda s: s.__init__(fileno=-1),
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "make", [closed, datagram, lambda net: datagram(net, net.AF_INET6)], ids=["closed", "v4", "v6"]
)
def test_every_method_of_a_socket_in_that_state(pysock, make, name):
    same(pysock, make, PLAIN[name])


@pytest.mark.parametrize("method", ["sendto", "setsockopt"])
@pytest.mark.parametrize("count", [0, 1, 2, 4, 5])
def test_a_number_of_arguments_is_refused_in_the_same_words(pysock, method, count):
    arguments = (1, 9, None, None, None)[:count]
    with pysock.socket(type=socket.SOCK_DGRAM) as sock:
        with pytest.raises(TypeError) as expected:
            getattr(socket.socket, method)(sock, *arguments)
        with pytest.raises(TypeError) as refused:
            getattr(sock, method)(*arguments)
    assert str(refused.value) == str(expected.value)


def test_methods_refuse_what_is_no_socket(pysock):
    for name in ("recv", "send", "close", "bind", "getsockname", "accept", "sendmsg"):
        method = getattr(pysock.socket, name)
        for arguments in [(object(), 1), (None,), ()]:
            with pytest.raises((TypeError, AttributeError)):  # socket.close(None) is the latter
                method(*arguments)


FUNCTIONS_OF_THE_FALLBACK = {
    "bind", "connect", "connect_ex", "recvmsg_into", "sendall", "sendmsg", "sendto",
}  # fmt: skip
METHODS_OF_NO_SOCKET = {
    "accept": 0, "bind": 1, "close": 0, "connect": 1, "connect_ex": 1, "detach": 0, "fileno": 0,
    "getsockname": 0, "getsockopt": 2, "listen": 0, "recv": 1, "recv_into": 1, "recvfrom": 1,
    "recvfrom_into": 1, "recvmsg": 1, "recvmsg_into": 1, "send": 1, "sendall": 1, "sendmsg": 4,
    "sendto": 2, "setblocking": 1, "setsockopt": 3, "settimeout": 1, "shutdown": 1,
}  # fmt: skip


@pytest.mark.parametrize("value", [1, b"x", [b"x"], ("127.0.0.1", 9), ("127.0.0.1", "http")])
@pytest.mark.parametrize("name", METHODS_OF_NO_SOCKET)
def test_what_a_method_says_of_what_is_no_socket(pysock, name, value):
    arguments = (value,) * METHODS_OF_NO_SOCKET[name]
    for thing in (object(), None, 7, mock.Mock(spec=socket.socket)):
        for given in (arguments, ()):
            said = []
            for net in (socket, pysock):
                with pytest.raises((TypeError, AttributeError)) as caught:
                    getattr(net.socket, name)(thing, *given)
                said.append((caught.type, str(caught.value)))
            assert said[1] == said[0]


def test_what_a_method_says_without_a_socket(pysock):
    """On the fallback those in Python say it as functions in Python do."""
    for name in METHODS_OF_NO_SOCKET:
        with pytest.raises(TypeError) as expected:
            getattr(socket.socket, name)()
        with pytest.raises(TypeError) as got:
            getattr(pysock.socket, name)()
        if name in FUNCTIONS_OF_THE_FALLBACK and pysock.BACKEND == "stdlib":
            assert "missing 1 required positional argument: 'self'" in str(got.value)
        else:
            assert str(got.value) == str(expected.value)


def test_methods_work_on_a_socket_of_the_standard_library(pysock):
    a, b = socket.socketpair()
    with a, b:
        pysock.socket.send(a, b"unbound")
        assert pysock.socket.recv(b, 10) == b"unbound"
