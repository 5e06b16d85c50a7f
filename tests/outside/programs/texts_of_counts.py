"""The exceptions for too few arguments, too many, and keywords, with their texts."""

import socket

from shown import plain, tried

a, b = socket.socketpair()
udp = socket.socket(type=socket.SOCK_DGRAM)
raw = a.makefile("rwb", buffering=0)

for name in (
    "accept", "bind", "close", "connect", "connect_ex", "detach", "dup", "fileno", "getblocking",
    "getpeername", "getsockname", "getsockopt", "gettimeout", "listen", "makefile", "recv",
    "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "send", "sendall",
    "sendfile", "sendmsg", "sendto", "setblocking", "setsockopt", "settimeout", "shutdown",
    "get_inheritable", "set_inheritable", "_accept", "_real_close", "_decref_socketios",
):  # fmt: skip
    with socket.socket() as sock:
        tried(f"{name}: nine arguments", getattr(sock, name), *range(9))
        tried(f"{name}: a keyword", getattr(sock, name), no_such_keyword=1)
        if name not in ("listen", "close", "detach", "accept", "_accept", "dup", "_real_close"):
            tried(f"{name}: none", lambda name=name, sock=sock: plain(getattr(sock, name)()))
        tried(f"{name}: no socket", getattr(socket.socket, name))
        tried(f"{name}: self is an object", getattr(socket.socket, name), object())
for name in ("readinto", "write", "readable", "writable", "close", "fileno", "seekable"):
    tried(f"SocketIO.{name}: nine arguments", getattr(raw, name), *range(9))
    tried(f"SocketIO.{name}: a keyword", getattr(raw, name), no_such_keyword=1)
    tried(f"SocketIO.{name}: no self", getattr(socket.SocketIO, name))
tried("keywords of send", lambda: a.send(data=b"x"))
tried("keywords of recv", lambda: a.recv(bufsize=1))
tried("keywords of sendmsg", lambda: a.sendmsg(buffers=[b"x"]))
tried("keywords of bind", lambda: udp.bind(address=("127.0.0.1", 0)))
for name in ("htons", "inet_aton", "inet_pton", "gethostbyname", "getaddrinfo", "socketpair"):
    tried(f"{name}: nine arguments", getattr(socket, name), *range(9))
    tried(f"{name}: a keyword", getattr(socket, name), no_such_keyword=1)
