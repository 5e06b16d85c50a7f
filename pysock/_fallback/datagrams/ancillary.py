"""What control messages say about a datagram, over the standard library: parse_ancillary."""

import os
import socket as _stdlib
import struct
import sys

from ..._shared import PACKAGE
from ..._shared.arguments import as_int, memory_of

# asm/socket.h of the machines that have numbers of their own, and of all others: SO_TIMESTAMP,
# SO_TIMESTAMPNS and SO_TIMESTAMPING, whose times are two longs, the same with times of two 64-bit
# integers, and SO_RXQ_OVFL. The option that was set decides which form the kernel sends.
_NUMBERS = {
    "sparc": ((0x1D, 0x21, 0x23), (0x46, 0x42, 0x43), 0x24),
    "parisc": ((0x4012, 0x4013, 0x4020), (0x4038, 0x4039, 0x403A), 0x4021),
    "": ((29, 35, 37), (63, 64, 65), 40),
}
_IP_TOS, _IP_PKTINFO, _IPV6_PKTINFO, _IPV6_TCLASS = 1, 8, 50, 67
_UDP_GRO = (17, 104)
_NS = 1_000_000_000
_SECONDS_MOST = (2**63 - 1) // _NS - 1  # so that the nanoseconds fit into 64 bits, as in C


def _plausible(seconds, ns):
    plausible = 0 <= seconds <= _SECONDS_MOST and 0 <= ns < _NS
    return {"timestamp_ns": seconds * _NS + ns} if plausible else {}


def _timestamp(seconds, microseconds):
    return _plausible(seconds, microseconds * 1000)


def _timestamping(seconds, ns, *_):
    return _plausible(seconds, ns) if seconds or ns else {}


def _pktinfo(interface, _local, host):
    return {"destination": _stdlib.inet_ntoa(host), "interface": interface & 0xFFFFFFFF}


def _pktinfo6(host, interface):
    return {"destination": _stdlib.inet_ntop(_stdlib.AF_INET6, host), "interface": interface}


def _socket_level(machine):
    """The messages of SOL_SOCKET on a machine, as in _KINDS."""
    names = (name for name in _NUMBERS if machine.startswith(name))
    of_longs, of_64_bits, drops = _NUMBERS[next(names)]
    kinds = {drops: ("I", lambda drops: {"drops": drops})}
    for integer, (timestamp, timestampns, timestamping) in (("l", of_longs), ("q", of_64_bits)):
        kinds[timestamp] = (2 * integer, _timestamp)
        kinds[timestampns] = (2 * integer, _plausible)
        kinds[timestamping] = (6 * integer, _timestamping)
    return {(_stdlib.SOL_SOCKET, kind): entry for kind, entry in kinds.items()}


# (level, type): the layout, and what it tells
_KINDS = {
    **(_socket_level(os.uname().machine) if sys.platform == "linux" else {}),
    (_stdlib.IPPROTO_IP, _IP_TOS): ("B", lambda tos: {"tos": tos}),
    (_stdlib.IPPROTO_IP, 13): ("B", lambda tos: {"tos": tos}),
    (_stdlib.IPPROTO_IP, _IP_PKTINFO): ("i4s4s", _pktinfo),
    (_stdlib.IPPROTO_IPV6, _IPV6_TCLASS): ("i", lambda tos: {"tos": tos & 0xFF}),
    (_stdlib.IPPROTO_IPV6, _IPV6_PKTINFO): ("16sI", _pktinfo6),
    _UDP_GRO: ("i", lambda size: {"segment_size": size} if size > 0 else {}),
}


def _said(name):
    return property(lambda self: self._told.get(name), doc="None where it was not told.")


class Ancillary:
    """What control messages said; None for what none of them did. From `parse_ancillary`."""

    __module__ = PACKAGE
    __slots__ = ("_told",)

    def __init__(self):
        self._told = {}

    timestamp_ns = _said("timestamp_ns")
    destination = _said("destination")
    interface = _said("interface")
    tos = _said("tos")
    segment_size = _said("segment_size")
    drops = _said("drops")

    @property
    def ecn(self):
        """The two lowest bits of `tos` (RFC 3168)."""
        return None if self.tos is None else self.tos & 3

    def __repr__(self):
        names = ("timestamp_ns", "destination", "interface", "tos", "segment_size", "drops")
        shown = ", ".join(f"{name}={self._told[name]!r}" for name in names if name in self._told)
        return f"<Ancillary {shown}>"


def parse_ancillary(ancdata, /):
    """Return what the control messages of `recvmsg` say, by attribute, None for what they do not.

    `timestamp_ns`, `destination`, `interface`, `tos`, `ecn`, `segment_size`, `drops`. *ancdata* is
    an iterable of (level, type, bytes-like object); a message of another kind, or one too short for
    its kind, says nothing. TypeError for anything else; OverflowError and BufferError as `sendmsg`.
    """
    told = Ancillary()
    for entry in tuple(ancdata):
        message = tuple(entry)
        if len(message) != 3:
            raise TypeError("a control message must be (level, type, bytes-like object)")
        level, kind, data = message
        layout, meaning = _KINDS.get((as_int(level), as_int(kind)), (None, None))
        with memory_of(data) as view:
            data = bytes(view)
        if layout is not None and len(data) >= struct.calcsize(layout):
            told._told.update(meaning(*struct.unpack_from(layout, data)))
    return told
