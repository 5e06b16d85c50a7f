"""Every form of an address, in every place that takes an address, on both backends."""

import ipaddress
import os
import pathlib
import socket

import pytest

LOOPBACK = 0x7F000001
HOSTS = [
    "127.0.0.1",
    "localhost",
    b"127.0.0.1",
    LOOPBACK,
    ipaddress.IPv4Address("127.0.0.1"),
]
HOSTS6 = ["::1", "0:0::1", 1, ipaddress.IPv6Address("::1")]


def ports(number):
    return [number, str(number), "0" + str(number)]


@pytest.mark.parametrize("host", HOSTS)
def test_connect_and_create_connection(pysock, listener, host):
    number = listener.getsockname()[1]
    for port in ports(number):
        with pysock.create_connection((host, port), 5) as sock:
            assert type(sock) is pysock.socket
            assert sock.getpeername() == ("127.0.0.1", number)
            listener.accept()[0].close()
        with pysock.socket() as sock:
            sock.connect((host, port))
            assert sock.getpeername() == ("127.0.0.1", number)
            listener.accept()[0].close()
        with pysock.socket() as sock:
            assert sock.connect_ex((host, port)) == 0
            listener.accept()[0].close()


@pytest.mark.parametrize("host", HOSTS)
def test_bind_sendto_sendmsg_and_create_server(pysock, host):
    with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as sock:
        sock.bind((host, "0"))
        name = sock.getsockname()
        assert name[0] == "127.0.0.1"
        for port in ports(name[1]):
            assert sock.sendto(b"ab", (host, port)) == 2
            assert sock.recvfrom(9) == (b"ab", name)
            assert sock.sendto(b"ab", 0, (host, port)) == 2
            assert sock.recvfrom(9) == (b"ab", name)
            assert sock.sendmsg([b"a", b"b"], [], 0, (host, port)) == 2
            assert sock.recvfrom(9) == (b"ab", name)
    with pysock.create_server((host, 0)) as server:
        assert server.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", HOSTS6)
def test_ipv6(pysock, host):
    with pysock.create_server((host, "0"), family=pysock.AF_INET6) as server:
        number = server.getsockname()[1]
        assert server.getsockname() == ("::1", number, 0, 0)
        for address in [
            (host, number),
            (host, str(number)),
            (host, number, 0),
            (host, number, 0, 0),
        ]:
            with pysock.socket(pysock.AF_INET6) as sock:
                sock.connect(address)
                server.accept()[0].close()
        if host != 1:
            with pysock.create_connection((host, str(number))) as sock:
                assert sock.family == pysock.AF_INET6
                server.accept()[0].close()


def test_a_128_bit_int_is_an_ipv6_address_without_saying_so(pysock):
    mapped = int(ipaddress.IPv6Address("::ffff:127.0.0.1"))
    with pysock.create_server(("127.0.0.1", 0)) as server:
        with pysock.create_connection((mapped, server.getsockname()[1])) as sock:
            assert sock.family == pysock.AF_INET6
            server.accept()[0].close()


def test_a_scope_is_kept(pysock):
    index = pysock.if_nametoindex("lo")
    with pysock.socket(pysock.AF_INET6, pysock.SOCK_DGRAM) as sock:
        for address in [("fe80::1%lo", 9), ("fe80::1", 9, 0, index)]:
            sock.connect_ex(address)  # no such address on lo: what counts is that it is understood
    with pytest.raises(pysock.gaierror):
        with pysock.socket(pysock.AF_INET6, pysock.SOCK_DGRAM) as sock:
            sock.connect(("fe80::1%nosuchinterface", 9))


def test_any(pysock):
    for host in ("", 0, ipaddress.IPv4Address(0)):
        with pysock.socket() as sock:
            sock.bind((host, 0))
            assert sock.getsockname()[0] == "0.0.0.0"
    for host in ("", 0, "::", ipaddress.IPv6Address(0)):
        with pysock.socket(pysock.AF_INET6) as sock:
            sock.bind((host, 0))
            assert sock.getsockname()[0] == "::"


def test_broadcast(pysock):
    """Without SO_BROADCAST the kernel refuses it. Without a route it is unreachable."""

    def refused(sock, host):
        with pytest.raises(OSError, match="Permission|unreachable") as caught:
            sock.sendto(b"x", (host, 9))
        return caught.value.errno

    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        expected = refused(sock, "255.255.255.255")
    with pysock.socket(type=pysock.SOCK_DGRAM) as sock:
        for host in ("<broadcast>", 0xFFFFFFFF, ipaddress.IPv4Address("255.255.255.255")):
            assert refused(sock, host) == expected


def test_create_connection_to_any_reaches_this_host(pysock, listener):
    with pysock.create_connection(("", listener.getsockname()[1])):
        listener.accept()[0].close()


def test_service_names_are_those_of_the_sockets_own_protocol(pysock):
    with pysock.socket() as tcp, pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", "domain"))
        assert udp.getpeername() == ("127.0.0.1", 53)
        udp.connect(("127.0.0.1", "tftp"))
        assert udp.getpeername() == ("127.0.0.1", 69)
        for place in (tcp.connect, tcp.connect_ex, tcp.bind):
            with pytest.raises(OSError, match="'tftp'.*tcp"):
                place(("127.0.0.1", "tftp"))
        with pytest.raises(OSError, match="nosuchservice"):
            udp.sendto(b"", ("127.0.0.1", "nosuchservice"))
        with pytest.raises(OSError, match="nosuchservice"):
            udp.sendmsg([b""], [], 0, ("127.0.0.1", "nosuchservice"))
    with pytest.raises(OSError, match="nosuchservice"):
        pysock.create_connection(("127.0.0.1", "nosuchservice"))


@pytest.mark.parametrize("port", [-1, 65536, 2**40, "65536", "9" * 5000])
@pytest.mark.parametrize("host", ["127.0.0.1", LOOPBACK])
def test_a_port_out_of_range(pysock, host, port):
    with pysock.socket() as sock:
        for place in (sock.bind, sock.connect, sock.connect_ex):
            with pytest.raises(OverflowError):
                place((host, port))


@pytest.mark.parametrize("port", ["", " 80", "8 0", "+80", "-1", "٨٠", "80\0"])
def test_what_is_neither_a_number_nor_a_service(pysock, port):
    with pysock.socket() as sock, pytest.raises((OSError, ValueError)):
        sock.connect(("127.0.0.1", port))


@pytest.mark.parametrize("host", [-1, 2**32, 2**128])
def test_an_int_that_is_no_ipv4_address(pysock, host):
    with pysock.socket() as sock, pytest.raises(OverflowError):
        sock.bind((host, 0))
    if not 0 <= host < 2**128:
        with pysock.socket(pysock.AF_INET6) as sock, pytest.raises(OverflowError):
            sock.bind((host, 0))


def test_a_bool_is_no_host(pysock):
    with pysock.socket() as sock, pytest.raises(TypeError):
        sock.connect((True, 9))


class Folder(os.PathLike):
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


@pytest.mark.parametrize(
    "form", [str, os.fsencode, pathlib.Path, Folder, lambda p: bytearray(p, "utf-8")]
)
def test_unix_paths(pysock, tmp_path, monkeypatch, form):
    monkeypatch.chdir(tmp_path)
    with pysock.socket(pysock.AF_UNIX) as server, pysock.socket(pysock.AF_UNIX) as client:
        server.bind(form("é.sock"))
        assert server.getsockname() == "é.sock"
        server.listen()
        client.connect(form("é.sock"))
        peer, address = server.accept()
        peer.close()
        assert address == ""
        assert client.getpeername() == "é.sock"
    with pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as sock:
        sock.bind(form("d.sock"))
        assert sock.sendto(b"x", form("d.sock")) == 1
        assert sock.recvfrom(9) == (b"x", "d.sock")
        assert sock.sendmsg([b"y"], (), 0, form("d.sock")) == 1
        assert sock.recvfrom(9) == (b"y", "d.sock")


def test_abstract_names(pysock):
    name = b"\0pysock-\xff-" + str(os.getpid()).encode() + pysock.BACKEND.encode() + b"\0\0z"
    with pysock.socket(pysock.AF_UNIX) as server, pysock.socket(pysock.AF_UNIX) as client:
        server.bind(name)
        assert server.getsockname() == name
        server.listen()
        client.connect(os.fsdecode(name))
        server.accept()[0].close()
    with pysock.socket(pysock.AF_UNIX) as sock:
        sock.bind("")  # the kernel chooses
        assert sock.getsockname()[:1] == b"\0"


@pytest.mark.parametrize("length, fits", [(107, True), (108, False), (5000, False)])
def test_a_path_is_never_truncated(pysock, tmp_path, monkeypatch, length, fits):
    monkeypatch.chdir(tmp_path)
    with pysock.socket(pysock.AF_UNIX) as sock:
        if fits:
            sock.bind("p" * length)
            assert sock.getsockname() == "p" * length
        else:
            with pytest.raises(OSError, match="too long"):
                sock.bind("p" * length)
    assert os.listdir(tmp_path) == ["p" * length] * fits


def test_the_longest_abstract_name(pysock):
    with pysock.socket(pysock.AF_UNIX) as sock:
        sock.bind(b"\0" + b"q" * 107)
        assert sock.getsockname() == b"\0" + b"q" * 107
    with pysock.socket(pysock.AF_UNIX) as sock, pytest.raises(OSError, match="too long"):
        sock.bind(b"\0" + b"q" * 108)


@pytest.mark.parametrize("path", ["a\0b", b"a\0b", pathlib.PurePath("a\0b"), bytearray(b"a\0b")])
def test_a_path_with_a_nul_inside_is_refused(pysock, tmp_path, monkeypatch, path):
    """The kernel would cut it there, and reach another file than the one that was named."""
    monkeypatch.chdir(tmp_path)
    with pysock.socket(pysock.AF_UNIX) as sock:
        for place in (sock.bind, sock.connect, sock.connect_ex):
            with pytest.raises(ValueError, match="null"):
                place(path)
    assert os.listdir(tmp_path) == []
