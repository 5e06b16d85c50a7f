"""The traceback of a method in C ends with its caller."""

import socket

from shown import frames, say


def failing(call, *args):
    try:
        call(*args)
    except Exception as error:
        return type(error).__name__, frames(error.__traceback__)
    return "no exception"


closed = socket.socket()
closed.close()
a, b = socket.socketpair()
a.settimeout(0.01)
for label, call, *args in (
    ("recv of a closed socket", closed.recv, 1),
    ("send of a closed socket", closed.send, b"x"),
    ("recv times out", a.recv, 1),
    ("recv_into times out", a.recv_into, bytearray(1)),
    ("connect refused", socket.socket().connect, ("127.0.0.1", 1)),
    ("connect to a wrong address", socket.socket().connect, "wrong"),
    ("bind to a wrong port", socket.socket().bind, ("127.0.0.1", 70000)),
    ("inet_aton", socket.inet_aton, "no address"),
    ("sendmsg", a.sendmsg, 5),
    ("setsockopt", a.setsockopt, 1, 2, "x"),
    ("sendall", a.sendall, 5),
    ("sendall times out", a.sendall, bytes(10_000_000)),
    ("sendto", a.sendto, b"x", 5),
    ("connect_ex", closed.connect_ex, ("127.0.0.1", 70000)),
    ("recvmsg_into", a.recvmsg_into, 5),
    ("recvmsg", closed.recvmsg, 5),
    ("recvfrom", closed.recvfrom, 5),
    ("listen", closed.listen),
    ("shutdown", closed.shutdown, 1),
    ("getpeername", closed.getpeername),
    ("getsockname", closed.getsockname),
    ("gethostbyname", socket.gethostbyname, 5),
    ("htons", socket.htons, -1),
    ("inet_pton", socket.inet_pton, socket.AF_INET, "x"),
):
    say(label, failing(call, *args))
