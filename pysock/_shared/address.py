"""The address forms that pysock accepts in addition to the standard library's, on both backends.

One function converts them to the standard library's own forms. It returns any other value
unchanged, and the standard library then accepts or rejects that value.
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
    """Convert *address*, an argument for *sock*, to a form that the standard library accepts.

    For AF_INET and AF_INET6 the host may also be an int (the address in host byte order) or an
    `ipaddress` object, and the port may be a numeric string or a service name of the socket's
    protocol. For AF_UNIX the path may be an `os.PathLike`. Raises OSError with the name of an
    unknown service, OverflowError for an int that is no address of the family, and ValueError for
    a path with a NUL inside, because the kernel would truncate the path there.
    """
    if type(address) is tuple and len(address) == 2:
        host, port = address
        if type(host) is str and type(port) is int:
            return address  # the common case, without further checks
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
    """Convert *host* to text if it is an int or an `ipaddress` object; return others as is."""
    if isinstance(host, int) and not isinstance(host, bool):
        return _text_of_int(host, family)
    # If *host* is such an object, its module is imported already. An import costs time.
    ipaddress = sys.modules.get("ipaddress")
    if ipaddress and isinstance(host, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return str(host)
    return host


def standard_port(port, protocol):
    """Convert *port* to an int if it is a numeric string or the name of a service of *protocol*.

    Returns any value that is not a str unchanged. Raises OSError with the name of an unknown
    service.
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
