"""The inputs that libFuzzer begins with: `python tests/csrc/seeds.py` writes corpus/ anew.

The layout is that of fuzz_control.c. What a fuzzer found, and what was mended
for it, is added to corpus/ under another name, and stays.
"""

import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
HEADER, ALIGNED = 16, 8  # of a control message on a 64-bit Linux, as all numbers here
SOL_SOCKET, IPPROTO_IP, SOL_UDP, IPPROTO_IPV6 = 1, 0, 17, 41
SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_RXQ_OVFL = 29, 35, 37, 40
IP_TOS, IP_PKTINFO, IPV6_PKTINFO, IPV6_TCLASS = 1, 8, 50, 67
UDP_GRO = 104
MSG_CTRUNC, MSG_TRUNC = 8, 32


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


SEEDS = {
    "control": {
        "alone": control(1400),
        "joined": control(64 * 1000, GRO),
        "joined_and_told": control(65507, *TOLD, GRO),
        "segment_of_nothing": control(100, cmsg(SOL_UDP, UDP_GRO, struct.pack("<i", 0))),
        "segment_below_nothing": control(100, cmsg(SOL_UDP, UDP_GRO, struct.pack("<i", -1))),
        "longer_than_there_is": control(1400, cmsg(SOL_UDP, UDP_GRO, b"\1\0\0\0", claimed=1 << 20)),
        "cut": control(3000, GRO[:-6], flags=MSG_CTRUNC),
        "truncated": control(70_000, claimed=200, flags=MSG_TRUNC),
    },
}


def main():
    for target, seeds in SEEDS.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (CORPUS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
