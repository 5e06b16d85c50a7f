"""The exceptions for integers that no int, no long and no size can hold, with their texts."""

import enum
import selectors
import socket

from shown import tried


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Whole(enum.IntEnum):
    MUCH = 2**40


NUMBERS = {
    "-2**70": -(2**70),
    "-2**63-1": -(2**63) - 1,
    "-2**63": -(2**63),
    "-2**31-1": -(2**31) - 1,
    "-2**31": -(2**31),
    "-1": -1,
    "2**15": 2**15,
    "2**16": 2**16,
    "2**31-1": 2**31 - 1,
    "2**31": 2**31,
    "2**32": 2**32,
    "2**63-1": 2**63 - 1,
    "2**63": 2**63,
    "2**64": 2**64,
    "2**70": 2**70,
    "Index(2**40)": Index(2**40),
    "Index(2**70)": Index(2**70),
    "IntEnum 2**40": Whole.MUCH,
    "True": True,
    "1.0": 1.0,
}
a, b = socket.socketpair()
a.setblocking(False)
udp = socket.socket(type=socket.SOCK_DGRAM)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp_connected = socket.socket(type=socket.SOCK_DGRAM)
udp6_connected = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
buffer = bytearray(4)
selector = selectors.EpollSelector()

# Flags of the kernel's may make a call wait, or mean much: what fits an int is left out for them.
WHAT_FITS = {"-1", "2**15", "2**16", "2**31-1", "-2**31", "True"}
FLAGS = {
    "recv flags": lambda n: a.recv(1, n),
    "recv_into flags": lambda n: a.recv_into(buffer, 0, n),
    "recvfrom flags": lambda n: a.recvfrom(1, n),
    "recvfrom_into flags": lambda n: a.recvfrom_into(buffer, 0, n),
    "recvmsg flags": lambda n: a.recvmsg(1, 0, n),
    "recvmsg_into flags": lambda n: a.recvmsg_into([buffer], 0, n),
    "send flags": lambda n: a.send(b"", n),
    "sendall flags": lambda n: a.sendall(b"", n),
    "sendto flags": lambda n: udp.sendto(b"", n, ("127.0.0.1", 9)),
    "sendmsg flags": lambda n: a.sendmsg([b""], [], n),
    "sendmsg_afalg op": lambda n: a.sendmsg_afalg([b""], op=n),
    "socket type": lambda n: socket.socket(socket.AF_INET, n),
    "socketpair type": lambda n: socket.socketpair(socket.AF_UNIX, n),
}
SIZES = {"2**31-1", "2**31", "2**32", "2**63-1", "Index(2**40)", "IntEnum 2**40"}
SIZED = {
    "recv": lambda n: a.recv(n),
    "recvfrom": lambda n: a.recvfrom(n),
    "recvmsg": lambda n: a.recvmsg(n),
    "recvmsg ancbufsize": lambda n: a.recvmsg(1, n),
    "recvmsg_into ancbufsize": lambda n: a.recvmsg_into([buffer], n),
}
OTHERS = {
    "recv_into nbytes": lambda n: a.recv_into(buffer, n),
    "recvfrom_into nbytes": lambda n: a.recvfrom_into(buffer, n),
    "sendmsg ancdata level": lambda n: a.sendmsg([b"x"], [(n, 1, b"")]),
    "sendmsg ancdata type": lambda n: a.sendmsg([b"x"], [(1, n, b"")]),
    "setsockopt level": lambda n: a.setsockopt(n, 9, 1),
    "setsockopt name": lambda n: a.setsockopt(socket.SOL_SOCKET, n, 1),
    "setsockopt value": lambda n: udp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, n),
    "setsockopt None": lambda n: udp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, None, n),
    "getsockopt level": lambda n: a.getsockopt(n, 3),
    "getsockopt name": lambda n: a.getsockopt(socket.SOL_SOCKET, n),
    "getsockopt length": lambda n: a.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE, n),
    "listen": lambda n: udp.listen(n),
    "shutdown": lambda n: udp.shutdown(n),
    "settimeout": lambda n: (udp.settimeout(n), udp.gettimeout()),
    "setblocking": lambda n: udp.setblocking(n),
    "socket family": lambda n: socket.socket(n),
    "socket proto": lambda n: socket.socket(socket.AF_INET, socket.SOCK_STREAM, n),
    "socketpair family": lambda n: socket.socketpair(n),
    "socketpair proto": lambda n: socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, n),
    "bind port": lambda n: udp.bind(("127.0.0.1", n)),
    "bind port6": lambda n: udp6.bind(("::1", n)),
    "bind flowinfo": lambda n: udp6.bind(("::1", 65536, n)),
    "connect port": lambda n: udp_connected.connect(("127.0.0.1", n)),
    "connect_ex port": lambda n: udp6_connected.connect_ex(("::1", n, 0, 0)),
    "connect scope": lambda n: udp6.connect(("::1", 65536, 0, n)),
    "sendto port": lambda n: udp.sendto(b"x", ("127.0.0.1", n)),
    "sendmsg port": lambda n: udp.sendmsg([b"x"], [], 0, ("127.0.0.1", n)),
    "create_connection port": lambda n: socket.create_connection(("127.0.0.1", n), 0.01),
    "getaddrinfo port": lambda n: socket.getaddrinfo("127.0.0.1", n, proto=6),
    "getaddrinfo family": lambda n: socket.getaddrinfo("127.0.0.1", 9, n, proto=6),
    "getaddrinfo type": lambda n: socket.getaddrinfo("127.0.0.1", 9, 0, n, 6),
    "getaddrinfo proto": lambda n: socket.getaddrinfo("127.0.0.1", 9, 0, 1, n),
    "getaddrinfo flags": lambda n: socket.getaddrinfo("127.0.0.1", 9, 0, 1, 6, n),
    "getnameinfo port": lambda n: socket.getnameinfo(("127.0.0.1", n), 3),
    "getnameinfo flags": lambda n: socket.getnameinfo(("127.0.0.1", 9), n),
    "getservbyport": lambda n: socket.getservbyport(n),
    "htons": lambda n: socket.htons(n),
    "ntohs": lambda n: socket.ntohs(n),
    "htonl": lambda n: socket.htonl(n),
    "ntohl": lambda n: socket.ntohl(n),
    "inet_pton": lambda n: socket.inet_pton(n, "1.2.3.4"),
    "inet_ntop": lambda n: socket.inet_ntop(n, b"1234"),
    "CMSG_LEN": lambda n: socket.CMSG_LEN(n),
    "CMSG_SPACE": lambda n: socket.CMSG_SPACE(n),
    "register fd": lambda n: selector.register(n, 1),
    "register events": lambda n: selector.register(b, n),
    "unregister": lambda n: selector.unregister(n),
    "modify": lambda n: selector.modify(n, 1),
}
# Somebody may listen there.
ARE_PORTS = {"2**15", "True"}
PORTS = {"bind port", "bind port6", "create_connection port"}
for calls, left_out in ((FLAGS, WHAT_FITS), (SIZED, SIZES), (OTHERS, set())):
    for name, call in calls.items():
        for label, number in NUMBERS.items():
            if label in left_out or (name in PORTS and label in ARE_PORTS):
                continue
            # Addresses in the text would be those of one run.
            number = getattr(number, "value", number) if "register" in name else number
            tried(f"{name} {label}", call, number)
