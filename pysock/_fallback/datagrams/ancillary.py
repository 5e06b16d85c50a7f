"""parse_ancillary over the standard library: what control messages tell about a datagram."""

import os
import socket as _stdlib
import struct
import sys

from ..._shared import PACKAGE
from ..._shared.arguments import as_int, readable_view

# From asm/socket.h, by machine: the numbers of SO_TIMESTAMP, SO_TIMESTAMPNS and SO_TIMESTAMPING
# whose times are two longs; the same for times of two 64-bit integers; SO_RXQ_OVFL. The kernel
# sends the form of the option that was set. The entry "" is for all other machines.
_NUMBERS = {
    "sparc": ((0x1D, 0x21, 0x23), (0x46, 0x42, 0x43), 0x24),
    "parisc": ((0x4012, 0x4013, 0x4020), (0x4038, 0x4039, 0x403A), 0x4021),
    "": ((29, 35, 37), (63, 64, 65), 40),
}
_IP_TOS, _IP_PKTINFO, _IPV6_PKTINFO, _IPV6_TCLASS = 1, 8, 50, 67
_UDP_GRO = (17, 104)
_NS = 1_000_000_000
_MAX_SECONDS = (2**63 - 1) // _NS - 1  # the nanoseconds fit into 64 bits, as in C


def _if_valid(seconds, ns):
    valid = 0 <= seconds <= _MAX_SECONDS and 0 <= ns < _NS
    return {"timestamp_ns": seconds * _NS + ns} if valid else {}


def _timestamp(seconds, microseconds):
    return _if_valid(seconds, microseconds * 1000)


def _timestamping(seconds, ns, *_):
    return _if_valid(seconds, ns) if seconds or ns else {}


def _pktinfo(interface, _local, host):
    return {"destination": _stdlib.inet_ntoa(host), "interface": interface & 0xFFFFFFFF}


def _pktinfo6(host, interface):
    return {"destination": _stdlib.inet_ntop(_stdlib.AF_INET6, host), "interface": interface}


def _socket_level(machine):
    """Return the entries of _PARSERS for SOL_SOCKET on *machine*."""
    names = (name for name in _NUMBERS if machine.startswith(name))
    of_longs, of_64_bits, drops = _NUMBERS[next(names)]
    parsers = {drops: ("I", lambda drops: {"drops": drops})}
    for integer, (timestamp, timestampns, timestamping) in (("l", of_longs), ("q", of_64_bits)):
        parsers[timestamp] = (2 * integer, _timestamp)
        parsers[timestampns] = (2 * integer, _if_valid)
        parsers[timestamping] = (6 * integer, _timestamping)
    return {(_stdlib.SOL_SOCKET, kind): entry for kind, entry in parsers.items()}


# (level, type): the struct format, and a function that returns attributes and values
_PARSERS = {
    **(_socket_level(os.uname().machine) if sys.platform == "linux" else {}),
    (_stdlib.IPPROTO_IP, _IP_TOS): ("B", lambda tos: {"tos": tos}),
    (_stdlib.IPPROTO_IP, 13): ("B", lambda tos: {"tos": tos}),
    (_stdlib.IPPROTO_IP, _IP_PKTINFO): ("i4s4s", _pktinfo),
    (_stdlib.IPPROTO_IPV6, _IPV6_TCLASS): ("i", lambda tos: {"tos": tos & 0xFF}),
    (_stdlib.IPPROTO_IPV6, _IPV6_PKTINFO): ("16sI", _pktinfo6),
    _UDP_GRO: ("i", lambda size: {"segment_size": size} if size > 0 else {}),
}


def _attribute(name):
    return property(lambda self: self._values.get(name), doc="None if no message has it.")


class Ancillary:
    """The values that control messages have; None if no message has a value.

    `parse_ancillary` returns it.
    """

    __module__ = PACKAGE
    __slots__ = ("_values",)

    def __init__(self):
        self._values = {}

    timestamp_ns = _attribute("timestamp_ns")
    destination = _attribute("destination")
    interface = _attribute("interface")
    tos = _attribute("tos")
    segment_size = _attribute("segment_size")
    drops = _attribute("drops")

    @property
    def ecn(self):
        """The two lowest bits of `tos` (RFC 3168)."""
        return None if self.tos is None else self.tos & 3

    def __repr__(self):
        names = ("timestamp_ns", "destination", "interface", "tos", "segment_size", "drops")
        values = self._values
        shown = ", ".join(f"{name}={values[name]!r}" for name in names if name in values)
        return f"<Ancillary {shown}>"


def parse_ancillary(ancdata, /):
    """Return the values in the control messages of `recvmsg` as attributes, None if there is none.

    The attributes are `timestamp_ns`, `destination`, `interface`, `tos`, `ecn`, `segment_size` and
    `drops`. *ancdata* is an iterable of (level, type, bytes-like object). A message of another
    type, or one that is too short for its type, is ignored. Raises TypeError for any other
    *ancdata*, OverflowError and BufferError as `sendmsg` does.
    """
    ancillary = Ancillary()
    for entry in tuple(ancdata):
        message = tuple(entry)
        if len(message) != 3:
            raise TypeError("a control message must be (level, type, bytes-like object)")
        level, kind, data = message
        layout, parse = _PARSERS.get((as_int(level), as_int(kind)), (None, None))
        with readable_view(data) as view:
            data = bytes(view)
        if layout is not None and len(data) >= struct.calcsize(layout):
            ancillary._values.update(parse(*struct.unpack_from(layout, data)))
    return ancillary
