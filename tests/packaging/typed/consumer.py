"""A typed program on pysock, for `mypy --strict`: it is read, never run.

It uses what pysock adds to `socket`, as a user of the stub would; a type that the stub has wrong,
or has as Any, fails here.
"""

import io
import socket as stdlib
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

from typing_extensions import assert_type

import pysock
import pysock as socket


def names() -> None:
    assert_type(pysock.BACKEND, Literal["c", "stdlib"])
    assert_type(socket.getfqdn(), str)
    assert_type(socket.inet_aton("127.0.0.1"), bytes)
    assert_type(socket.MSG_ZEROCOPY, int)
    assert_type(socket.PF_INET, int)
    assert_type(socket.EAGAIN, int)
    assert_type(socket.EBADF, int)
    assert_type(socket.EWOULDBLOCK, int)
    assert_type(socket.MsgFlag.MSG_PEEK, Literal[stdlib.MsgFlag.MSG_PEEK])
    assert_type(socket.AddressInfo.AI_PASSIVE, Literal[stdlib.AddressInfo.AI_PASSIVE])
    assert_type(socket.capabilities(), dict[str, int])


def takes_a_raw_file(file: socket.SocketIO) -> stdlib.SocketIO:
    return file


def takes_any_socket(sock: stdlib.socket) -> int:
    return sock.fileno()


def streams() -> None:
    with socket.create_connection(
        (IPv4Address("127.0.0.1"), "http"), total_timeout=5.0, happy_eyeballs_delay=0.25
    ) as sock:
        assert_type(sock, socket.socket)
        takes_any_socket(sock)
        assert_type(sock.recv(10), bytes)
        assert_type(sock.recv_exactly(10, deadline=1.5), bytes)
        assert_type(sock.recv_exactly_into(bytearray(3), timeout=None), int)
        sock.sendmsg_all([b"one", memoryview(b"two")], timeout=1)
        assert_type(sock.send_zerocopy(b"data"), int)
        assert_type(sock.reap_zerocopy(1.0).completed, int)
        assert_type(socket.splice(sock, sock, 10), int)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(Path("name"))
        assert_type(listener.accept()[0], socket.socket)
        assert_type(listener.peercred().pid, int)
        data, fds, flags, _ = listener.recv_fds(10, 2)
        assert_type((data, fds, flags), tuple[bytes, list[int], int])
    with socket.Stream(sock, limit=10) as stream:
        assert_type(stream.readuntil((b"\n", b"\r\n"), timeout=1.0), bytes)
        assert_type(stream.readexactly(3), bytes)
        assert_type(io.TextIOWrapper(stream).readline(), str)
        try:
            stream.readline()
        except socket.IncompleteReadError as error:
            assert_type(error.partial, bytes)


def datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert_type(sock.sendmmsg([b"a", (b"b", (0x7F000001, "53"))]), int)
        assert_type(sock.send_segmented(b"abcdef", 3, ("localhost", 53)), int)
        for data, _ in sock.recvmmsg(64, 2048):
            assert_type(data, bytes)
        batch = socket.DatagramBatch(64, 2048)
        assert_type(batch.recv_into(sock), int)
        for datagram in batch:
            assert_type(datagram.data, memoryview)
            assert_type(datagram.ecn, int | None)


def installation() -> None:
    with pysock.installed():
        pass
    for listener in pysock.reuse_port_listeners(("127.0.0.1", 0), 2):
        assert_type(listener, pysock.socket)
