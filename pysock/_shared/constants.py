"""Constants that the running kernel knows and this Python does not name, and the PF_* names.

If the standard library has a value, that value is used. The numbers are Linux's, from the uapi
headers. Those of socket level are from asm-generic; the few architectures with other numbers do
not get them.
"""

import os
import socket as _stdlib
import sys

_LINUX = {
    # linux/socket.h
    "MSG_WAITFORONE": 0x10000,
    "MSG_ZEROCOPY": 0x4000000,
    "MSG_FASTOPEN": 0x20000000,
    "MSG_CMSG_CLOEXEC": 0x40000000,
    "SOL_UDP": 17,
    "SOL_IPV6": 41,
    # linux/in.h, linux/in6.h
    "IP_MTU_DISCOVER": 10,
    "IP_MTU": 14,
    "IP_PKTINFO": 8,
    "IP_RECVERR": 11,
    "IP_RECVTTL": 12,
    "IP_RECVTOS": 13,
    "IP_FREEBIND": 15,
    "IP_RECVORIGDSTADDR": 20,
    "IP_BIND_ADDRESS_NO_PORT": 24,
    "IP_PMTUDISC_DONT": 0,
    "IP_PMTUDISC_WANT": 1,
    "IP_PMTUDISC_DO": 2,
    "IP_PMTUDISC_PROBE": 3,
    "IPV6_MTU_DISCOVER": 23,
    "IPV6_MTU": 24,
    "IPV6_RECVERR": 25,
    # linux/tcp.h
    "TCP_ULP": 31,
    "TCP_ZEROCOPY_RECEIVE": 35,
    # linux/udp.h
    "UDP_CORK": 1,
    "UDP_SEGMENT": 103,
    "UDP_GRO": 104,
    # linux/errqueue.h
    "SO_EE_ORIGIN_LOCAL": 1,
    "SO_EE_ORIGIN_ICMP": 2,
    "SO_EE_ORIGIN_ICMP6": 3,
    "SO_EE_ORIGIN_ZEROCOPY": 5,
    "SO_EE_CODE_ZEROCOPY_COPIED": 1,
    # linux/net_tstamp.h
    "SOF_TIMESTAMPING_TX_SOFTWARE": 1 << 1,
    "SOF_TIMESTAMPING_RX_SOFTWARE": 1 << 3,
    "SOF_TIMESTAMPING_SOFTWARE": 1 << 4,
}

_LINUX_ASM_GENERIC = {
    # asm-generic/socket.h
    "SO_TIMESTAMP": 29,
    "SO_RCVBUFFORCE": 33,
    "SO_SNDBUFFORCE": 32,
    "SO_TIMESTAMPNS": 35,
    "SO_TIMESTAMPING": 37,
    "SO_RXQ_OVFL": 40,
    "SO_PEEK_OFF": 42,
    "SO_BUSY_POLL": 46,
    "SO_MAX_PACING_RATE": 47,
    "SO_INCOMING_CPU": 49,
    "SO_ATTACH_REUSEPORT_CBPF": 51,
    "SO_ATTACH_REUSEPORT_EBPF": 52,
    "SO_INCOMING_NAPI_ID": 56,
    "SO_COOKIE": 57,
    "SO_ZEROCOPY": 60,
    "SO_TXTIME": 61,
    "SCM_TIMESTAMP": 29,
    "SCM_TIMESTAMPNS": 35,
    "SCM_TIMESTAMPING": 37,
    "SCM_TXTIME": 61,
}

_OTHER_NUMBERS = ("alpha", "mips", "parisc", "hppa", "sparc")


def _missing():
    names = {}
    if sys.platform == "linux":
        names.update(_LINUX)
        if not os.uname().machine.startswith(_OTHER_NUMBERS):
            names.update(_LINUX_ASM_GENERIC)
    known = vars(_stdlib)
    for name, value in known.items():
        if name.startswith("AF_"):
            names["P" + name[1:]] = int(value)  # PF_INET is AF_INET, and so on
    return {name: value for name, value in names.items() if name not in known}


CONSTANTS = _missing()
