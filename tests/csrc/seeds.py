"""The inputs that libFuzzer begins with: `python tests/csrc/seeds.py` writes corpus/ anew.

The layouts are those of fuzz_control.c and fuzz_address.c. What a fuzzer found, and what was mended
for it, is added to corpus/ under another name, and stays.
"""

import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
HEADER, ALIGNED = 16, 8  # of a control message on a 64-bit Linux, as all numbers here
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOL_SOCKET, IPPROTO_IP, SOL_UDP, IPPROTO_IPV6 = 1, 0, 17, 41
SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_RXQ_OVFL = 29, 35, 37, 40
SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW, SO_TIMESTAMPING_NEW = 63, 64, 65
IP_TOS, IP_PKTINFO, IPV6_PKTINFO, IPV6_TCLASS = 1, 8, 50, 67
UDP_GRO = 104
MSG_CTRUNC, MSG_TRUNC = 8, 32
INET, INET6, UNIX, ANY = range(4)


def cmsg(level, kind, data, claimed=None):
    head = struct.pack("<Qii", claimed or HEADER + len(data), level, kind)
    return head + data + bytes(-len(data) % ALIGNED)


def control(came, *messages, claimed=16, flags=0):
    return struct.pack("<IHBx", came, claimed, flags) + b"".join(messages)


GRO = cmsg(SOL_UDP, UDP_GRO, struct.pack("<i", 1400))
TOLD = [
    cmsg(SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("<qq", 1_700_000_000, 999_999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMP, struct.pack("<qq", 1_700_000_000, 999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMPING, struct.pack("<6q", 1, 2, 0, 0, 3, 4)),
    cmsg(SOL_SOCKET, SO_RXQ_OVFL, struct.pack("<I", 7)),
    cmsg(IPPROTO_IP, IP_TOS, b"\x2d"),
    cmsg(IPPROTO_IP, IP_PKTINFO, struct.pack("<i4s4s", 1, b"\x7f\0\0\1", b"\x7f\0\0\1")),
    cmsg(IPPROTO_IPV6, IPV6_TCLASS, struct.pack("<i", 3)),
    cmsg(IPPROTO_IPV6, IPV6_PKTINFO, struct.pack("<16sI", bytes(15) + b"\1", 1)),
]
NEW_TIMES = [
    cmsg(SOL_SOCKET, SO_TIMESTAMPNS_NEW, struct.pack("<qq", 1 << 32, 999_999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMP_NEW, struct.pack("<qq", 1 << 32, 999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMPING_NEW, struct.pack("<6q", 1 << 32, 2, 0, 0, 3, 4)),
]
TIMES_OF_32_BITS = [
    cmsg(SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("<ii", 1_700_000_000, 999_999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMP, struct.pack("<ii", 1_700_000_000, 999_999)),
    cmsg(SOL_SOCKET, SO_TIMESTAMPING, struct.pack("<6i", 1, 2, 0, 0, 3, 4)),
]


def address(way, body, namelen=16):
    return struct.pack("<BHIII", way, 53, 0, 2, namelen) + body


def sockaddr(family, body):
    return struct.pack("<H", family) + body


SEEDS = {
    "control": {
        "alone": control(1400),
        "joined": control(64 * 1000, GRO),
        "joined_and_told": control(65507, *TOLD, GRO),
        "new_times": control(100, *NEW_TIMES),
        "times_of_32_bits": control(100, *TIMES_OF_32_BITS),
        "segment_of_nothing": control(100, cmsg(SOL_UDP, UDP_GRO, struct.pack("<i", 0))),
        "segment_below_nothing": control(100, cmsg(SOL_UDP, UDP_GRO, struct.pack("<i", -1))),
        "longer_than_there_is": control(1400, cmsg(SOL_UDP, UDP_GRO, b"\1\0\0\0", claimed=1 << 20)),
        "cut": control(3000, GRO[:-6], flags=MSG_CTRUNC),
        "truncated": control(70_000, claimed=200, flags=MSG_TRUNC),
    },
    "address": {
        "inet": address(INET, b"127.0.0.1"),
        "inet_long": address(INET, b"255.255.255.255"),
        "inet_octal": address(INET, b"127.0.0.01"),
        "inet6": address(INET6, b"2001:db8::8:800:20c:417a"),
        "inet6_mapped": address(INET6, b"::ffff:192.168.100.200"),
        "inet6_scope": address(INET6, b"fe80::1%lo"),
        "unix": address(UNIX, b"/run/socket"),
        "unix_unnamed": address(UNIX, b""),
        "unix_abstract": address(UNIX, b"\0name\0more"),
        "unix_nul": address(UNIX, b"path\0more"),
        "unix_most": address(UNIX, b"x" * 107),
        "unix_abstract_most": address(UNIX, b"\0" + b"x" * 107),
        "unix_too_long": address(UNIX, b"x" * 108),
        "any_inet": address(ANY, sockaddr(AF_INET, b"\0\x35\xc0\xa8\x64\xc8" + bytes(8))),
        "any_inet6": address(ANY, sockaddr(AF_INET6, bytes(22) + b"\1" + bytes(4)), 28),
        "any_unix": address(ANY, sockaddr(AF_UNIX, b"/run/socket\0"), 14),
        "any_unix_no_nul": address(ANY, sockaddr(AF_UNIX, b"x" * 126), 1000),
        "any_unnamed": address(ANY, sockaddr(AF_UNIX, b""), 2),
        "any_unknown": address(ANY, sockaddr(AF_NETLINK, b"abcdefghij"), 12),
    },
}


def main():
    for target, seeds in SEEDS.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (CORPUS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
