"""Numeric addresses, byte order and names, against the standard library's functions."""

import random
import socket

import pytest
from support.oracle import NUMBERS, outcome
from support.parameter_ids import shown

TEXTS = [
    "127.0.0.1", "0.0.0.0", "255.255.255.255", "1.2.3", "127.1", "0x7f.1", "01.2.3.4", "1.2.3.4 ",
    "1.2.3.4x", "", " ", "::1", "::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "fe80::1%lo",
    "g::", "1.2.3.4\0", "\udcff", "1" * 300, b"1.2.3.4", None, 5,
]  # fmt: skip


def same(name, module, *args):
    expected = outcome(lambda: getattr(socket, name)(*args))
    assert outcome(lambda: getattr(module, name)(*args)) == expected


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_to_address(pysock, text):
    same("inet_aton", pysock, text)
    for family in (socket.AF_INET, socket.AF_INET6, 2, 10, 99, "2", None, 2.0, True):
        same("inet_pton", pysock, family, text)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"abc",
        b"abcd",
        b"a" * 16,
        b"a" * 17,
        bytearray(b"abcd"),
        memoryview(b"abcd"),
        "abcd",
        None,
    ],
)
def test_address_to_text(pysock, packed):
    same("inet_ntoa", pysock, packed)
    for family in (socket.AF_INET, socket.AF_INET6, 2, 99, "2", None):
        same("inet_ntop", pysock, family, packed)


def test_random_addresses_there_and_back(pysock):
    numbers = random.Random(3)
    edges = [
        bytes([a, b, a, b]) for a in (0, 9, 10, 99, 100, 255) for b in (0, 9, 10, 99, 100, 255)
    ]
    for packed in edges + [numbers.randbytes(4) for _ in range(2000)]:
        text = pysock.inet_ntoa(packed)
        assert text == socket.inet_ntoa(packed) == pysock.inet_ntop(pysock.AF_INET, packed)
        assert pysock.inet_aton(text) == packed == pysock.inet_pton(pysock.AF_INET, text)
    for _ in range(2000):
        packed = bytes(numbers.choice([0, 0, 1, 255]) for _ in range(16))
        text = pysock.inet_ntop(pysock.AF_INET6, packed)
        assert text == socket.inet_ntop(socket.AF_INET6, packed)
        assert pysock.inet_pton(pysock.AF_INET6, text) == packed


@pytest.mark.parametrize("name", ["htons", "ntohs", "htonl", "ntohl"])
@pytest.mark.parametrize("number", [*NUMBERS, 2**16 - 1, 2**16, 2**32 - 1, 2**32], ids=shown)
def test_byte_order(pysock, name, number):
    same(name, pysock, number)


@pytest.mark.parametrize("host", [*TEXTS, "localhost", bytearray(b"127.0.0.1")], ids=ascii)
def test_gethostbyname(pysock, host):
    same("gethostbyname", pysock, host)
    same("gethostbyname_ex", pysock, host)


NUMERIC = ["127.0.0.1", "::1", "::FFFF", "1:0:0::2", "127.1", b"127.0.0.1", "fe80::1%lo"]
OTHER = ["localhost", None, "", "1.2.3.4\0", "\udcff", 5, bytearray(b"::1")]
PORTS = [0, 80, "80", b"80", None, -1, 65536, 2**40, 1.5]
QUESTIONS = [(0, 0), (socket.SOCK_STREAM, 0), (socket.SOCK_DGRAM, 17), (1, 17), (0, 6), (1, 6)]
FLAGS = [0, socket.AI_PASSIVE, socket.AI_NUMERICHOST, socket.AI_CANONNAME, socket.AI_V4MAPPED]


@pytest.mark.parametrize("host", NUMERIC, ids=ascii)
def test_getaddrinfo_of_a_numeric_host(pysock, host):
    for port in PORTS:
        for family in (0, socket.AF_INET, socket.AF_INET6, 77):
            for kind, proto in QUESTIONS:
                for flags in FLAGS:
                    for _ in range(2):  # what is learned must be what is answered
                        same("getaddrinfo", pysock, host, port, family, kind, proto, flags)


def test_getaddrinfo_does_not_take_one_question_for_another(pysock):
    """A key that is cut to 32 bits, or to a part of them, is the same for several families."""
    for family in range(256):
        for kind, proto in ((0, 0), (1, 6)):
            for host in ("127.0.0.1", "::1"):
                for flags in (0, socket.AI_PASSIVE):
                    same("getaddrinfo", pysock, host, 80, family, kind, proto, flags)


@pytest.mark.parametrize("host", OTHER, ids=ascii)
@pytest.mark.parametrize("port", [*PORTS, "http", "nosuchservice"])
def test_getaddrinfo_of_any_other_host(pysock, host, port):
    same("getaddrinfo", pysock, host, port, socket.AF_INET, socket.SOCK_STREAM)


def test_getaddrinfo_answers_with_enums_and_takes_keywords(pysock):
    answer = pysock.getaddrinfo(host="127.0.0.1", port=80, type=pysock.SOCK_STREAM, proto=6)
    for _ in range(2):
        assert answer == [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
        assert type(answer[0][0]) is socket.AddressFamily
        assert type(answer[0][1]) is socket.SocketKind
        answer = pysock.getaddrinfo("127.0.0.1", 80, proto=6, type=pysock.SOCK_STREAM)


def test_names(pysock):
    for call in [
        lambda m: m.getservbyname("http", "tcp"),
        lambda m: m.getservbyport(53, "udp"),
        lambda m: m.getprotobyname("tcp"),
        lambda m: m.gethostname(),
        lambda m: m.gethostbyaddr("127.0.0.1"),
        lambda m: m.getnameinfo(("127.0.0.1", 80), m.NI_NUMERICHOST),
        lambda m: m.getfqdn("127.0.0.1"),
        lambda m: m.if_nameindex(),
    ]:
        assert outcome(lambda: call(pysock)) == outcome(lambda: call(socket))  # noqa: B023
