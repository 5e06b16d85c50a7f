"""What control messages say about a datagram, over the standard library: parse_ancillary."""

import socket as _stdlib
import struct

from ..._shared import PACKAGE
from ..._shared.arguments import as_int, memory_of

_TIMESTAMP, _DROPS, _TIMESTAMPNS, _TIMESTAMPING = 29, 40, 35, 37  # asm-generic/socket.h
_IP_TOS, _IP_PKTINFO, _IPV6_PKTINFO, _IPV6_TCLASS = 1, 8, 50, 67
_UDP_GRO = (17, 104)
_NS = 1_000_000_000


def _plausible(seconds, ns):
    return {"timestamp_ns": seconds * _NS + ns} if seconds >= 0 and 0 <= ns < _NS else {}


def _timestamp(seconds, microseconds):
    return _plausible(seconds, microseconds * 1000)


def _timestamping(seconds, ns, *_):
    return _plausible(seconds, ns) if seconds or ns else {}


def _pktinfo(interface, _local, host):
    return {"destination": _stdlib.inet_ntoa(host), "interface": interface & 0xFFFFFFFF}


def _pktinfo6(host, interface):
    return {"destination": _stdlib.inet_ntop(_stdlib.AF_INET6, host), "interface": interface}


# (level, type): the layout, and what it tells
_KINDS = {
    (_stdlib.SOL_SOCKET, _TIMESTAMPNS): ("ll", _plausible),
    (_stdlib.SOL_SOCKET, _TIMESTAMP): ("ll", _timestamp),
    (_stdlib.SOL_SOCKET, _TIMESTAMPING): ("llllll", _timestamping),
    (_stdlib.SOL_SOCKET, _DROPS): ("I", lambda drops: {"drops": drops}),
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
