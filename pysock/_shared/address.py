"""The address forms that pysock takes beyond the standard library's, on both backends.

One function turns them into the standard library's own forms; whatever it does not know it leaves
alone, for the standard library to accept or to refuse.
"""

import socket as _stdlib
import sys
from os import fspath

_SERVICE_PROTOCOLS = {
    _stdlib.IPPROTO_TCP: "tcp",
    _stdlib.IPPROTO_UDP: "udp",
    getattr(_stdlib, "IPPROTO_SCTP", 132): "sctp",
    getattr(_stdlib, "IPPROTO_UDPLITE", 136): "udplite",
    getattr(_stdlib, "IPPROTO_DCCP", 33): "dccp",
}
_SERVICE_PROTOCOLS_BY_TYPE = {_stdlib.SOCK_STREAM: "tcp", _stdlib.SOCK_DGRAM: "udp"}


def standard_address(sock, address):
    """Return *address*, given for *sock*, in a form that the standard library's socket takes.

    For AF_INET and AF_INET6 the host may also be an int (the address in host byte order) or an
    `ipaddress` object, and the port a numeric string or a service name of the socket's protocol;
    for AF_UNIX the path may be an `os.PathLike`. Raises OSError naming an unknown service,
    OverflowError for an int that is no address of the family, ValueError for a path with a NUL
    inside, which the kernel would cut short there.
    """
    if type(address) is tuple and len(address) == 2:
        host, port = address
        if type(host) is str and type(port) is int:
            return address  # at once, and by far the most of them
    family = sock.family
    if family == _stdlib.AF_INET or family == _stdlib.AF_INET6:
        if type(address) is tuple and len(address) >= 2:
            protocol = _SERVICE_PROTOCOLS.get(sock.proto) or _SERVICE_PROTOCOLS_BY_TYPE.get(
                sock.type
            )
            return (
                standard_host(address[0], family),
                standard_port(address[1], protocol),
                *address[2:],
            )
    elif family == getattr(_stdlib, "AF_UNIX", None):
        return _standard_path(address)
    return address


def standard_host(host, family=_stdlib.AF_UNSPEC):
    """Return *host*, an int or an `ipaddress` object, as text; anything else as it is."""
    if isinstance(host, int) and not isinstance(host, bool):
        return _text_of_int(host, family)
    # Whoever holds such an object has imported its module: no import is owed here.
    ipaddress = sys.modules.get("ipaddress")
    if ipaddress and isinstance(host, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return str(host)
    return host


def standard_port(port, protocol):
    """Return *port*, a numeric string or the name of a service of *protocol*, as an int.

    Anything but a str is returned as it is. OSError names a service that is not known.
    """
    if not isinstance(port, str):
        return port
    if port.isascii() and port.isdigit():
        return int(port) if len(port) < 20 else sys.maxsize
    try:
        return _stdlib.getservbyname(port, protocol) if protocol else _stdlib.getservbyname(port)
    except OSError:
        raise OSError(f"unknown service {port!r} for protocol {protocol or 'any'}") from None


def _text_of_int(host, family):
    if family == _stdlib.AF_INET6 or (family == _stdlib.AF_UNSPEC and host >> 32):
        return _stdlib.inet_ntop(_stdlib.AF_INET6, host.to_bytes(16, "big"))
    return _stdlib.inet_ntoa(host.to_bytes(4, "big"))


def _standard_path(path):
    if hasattr(path, "__fspath__"):
        path = fspath(path)
    nul = "\0" if isinstance(path, str) else b"\0"
    if isinstance(path, (str, bytes, bytearray)) and nul in path and not path.startswith(nul):
        raise ValueError("embedded null byte")
    return path
