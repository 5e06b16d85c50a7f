"""The exceptions for arguments of a wrong kind, with their texts."""

import _socket
import io
import socket
import tempfile

from shown import plain, tried

a, b = socket.socketpair()
a.settimeout(0.01)
udp = socket.socket(type=socket.SOCK_DGRAM)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
file = tempfile.TemporaryFile()
text = io.TextIOWrapper(io.BytesIO(b"text"))
text.mode = "r"
NAMES = ("text", b"bytes")  # these would be looked up
WRONG = [None, 5, 1.5, "text", b"bytes", [5], [None], ["text"], (), object, [b"x", 5], {}, b""]
raw = a.makefile("rwb", buffering=0)


class Raises:
    def __iter__(self):
        raise ZeroDivisionError("iterated")

    def __index__(self):
        raise ZeroDivisionError("index")


def of_raises():
    yield b"x"
    raise ZeroDivisionError("in the middle")


def interpreter_hides_exceptions():
    """Whether this version of Python says of an iterable that raises that it is no iterable."""
    try:
        _socket.socket.sendmsg(a, Raises())
    except ZeroDivisionError:
        return False
    except TypeError:
        return True


ITERATED = ("sendmsg", "sendmsg ancdata", "recvmsg_into") if interpreter_hides_exceptions() else ()

ONE = {
    "send": lambda v: a.send(v),
    "sendall": lambda v: a.sendall(v),
    "sendmsg": lambda v: a.sendmsg(v),
    "sendmsg ancdata": lambda v: a.sendmsg([b"x"], v),
    "sendmsg ancdata item": lambda v: a.sendmsg([b"x"], [v]),
    "sendmsg ancdata of three": lambda v: a.sendmsg([b"x"], [(v, v, v)]),
    "sendmsg ancdata level": lambda v: a.sendmsg([b"x"], [(v, 1, b"")]),
    "sendmsg ancdata data": lambda v: a.sendmsg([b"x"], [(1, 1, v)]),
    "sendmsg flags": lambda v: a.sendmsg([b"x"], [], v),
    "sendmsg address": lambda v: udp.sendmsg([b"x"], [], 0, v) if v is not None else None,
    "sendto": lambda v: udp.sendto(v, ("127.0.0.1", 9)),
    "sendto address": lambda v: udp.sendto(b"x", v),
    "sendto flags": lambda v: udp.sendto(b"x", v, ("127.0.0.1", 9)),
    "recv": lambda v: a.recv(v),
    "recv flags": lambda v: a.recv(1, v),
    "recv_into": lambda v: a.recv_into(v),
    "recv_into nbytes": lambda v: a.recv_into(bytearray(1), v),
    "recvfrom": lambda v: a.recvfrom(v),
    "recvfrom_into": lambda v: a.recvfrom_into(v),
    "recvmsg": lambda v: a.recvmsg(v),
    "recvmsg ancbufsize": lambda v: a.recvmsg(1, v),
    "recvmsg_into": lambda v: a.recvmsg_into(v),
    "recvmsg_into ancbufsize": lambda v: a.recvmsg_into([bytearray(1)], v),
    "recvmsg_into flags": lambda v: a.recvmsg_into([bytearray(1)], 0, v),
    "bind": lambda v: udp.bind(v),
    "bind6": lambda v: udp6.bind(v),
    "connect": lambda v: udp.connect(v),
    "connect_ex": lambda v: udp.connect_ex(v),
    "listen": lambda v: a.listen(v),
    "settimeout": lambda v: socket.socket().settimeout(v),
    "setsockopt": lambda v: a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, v),
    "setsockopt level": lambda v: a.setsockopt(v, 1, 1),
    "setsockopt None": lambda v: a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, None, v),
    "getsockopt": lambda v: a.getsockopt(v, 1),
    "getsockopt length": lambda v: a.getsockopt(1, 1, v),
    "shutdown": lambda v: udp.shutdown(v),
    "makefile": lambda v: a.makefile(v),
    "makefile buffering": lambda v: a.makefile("rb", v),
    "readinto": lambda v: raw.readinto(v),
    "write": lambda v: raw.write(v),
    "sendfile": lambda v: a.sendfile(v),
    "sendfile offset": lambda v: a.sendfile(file, v),
    "sendfile count": lambda v: a.sendfile(file, 0, v),
    "socket family": lambda v: socket.socket(v),
    "socket type": lambda v: socket.socket(socket.AF_INET, v),
    "socket proto": lambda v: socket.socket(socket.AF_INET, socket.SOCK_STREAM, v),
    "socket fileno": lambda v: socket.socket(fileno=v),
    "socketpair": lambda v: [each.close() for each in socket.socketpair(v)],
    "htons": lambda v: socket.htons(v),
    "ntohl": lambda v: socket.ntohl(v),
    "inet_aton": lambda v: socket.inet_aton(v),
    "inet_ntoa": lambda v: socket.inet_ntoa(v),
    "inet_pton": lambda v: socket.inet_pton(socket.AF_INET, v),
    "inet_pton family": lambda v: socket.inet_pton(v, "1.2.3.4"),
    "inet_ntop": lambda v: socket.inet_ntop(socket.AF_INET, v),
    "gethostbyname": lambda v: socket.gethostbyname(v) if v not in NAMES else 0,
    "getaddrinfo": lambda v: socket.getaddrinfo(v, 9, proto=6) if v not in NAMES else 0,
    "getaddrinfo port": lambda v: socket.getaddrinfo("127.0.0.1", v, proto=6),
    "getaddrinfo family": lambda v: socket.getaddrinfo("127.0.0.1", 9, v, proto=6),
}

for name, call in ONE.items():
    for value in WRONG:
        if name == "makefile buffering" and value == 5:
            continue
        if name.startswith("socket") and value in ((), {}) and name != "socketpair":
            continue
        if name == "socket fileno" and value == 5:
            continue
        tried(f"{name} {plain(value)}", call, value)
    for value in (Raises(), of_raises()) if name not in ITERATED else ():
        tried(f"{name} {type(value).__name__}", call, value)

# By keyword

tried("keyword b", lambda: raw.write(b=b"x"))
tried("keyword b", lambda: raw.readinto(b=bytearray(1)))
tried("keywords of recv_into", lambda: a.recv_into(buffer=bytearray(1), nbytes=1, flags=0))
tried("keywords of recvfrom_into", lambda: a.recvfrom_into(buffer=bytearray(1), nbytes=1, flags=0))
