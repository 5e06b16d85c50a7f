"""peercred: who is at the other end of an AF_UNIX socket, and an error where nobody is."""

import errno
import os
import pickle
import subprocess
import sys

import pytest


def test_the_peer_of_a_socketpair(pysock):
    own = (os.getpid(), os.getuid(), os.getgid())
    for kind in ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"):
        a, b = pysock.socketpair(pysock.AF_UNIX, getattr(pysock, kind))
        with a, b:
            peer = a.peercred()
            assert peer == b.peercred() == own
            assert type(peer) is pysock.PeerCredentials and isinstance(peer, tuple)
            assert (peer.pid, peer.uid, peer.gid) == own
            pid, uid, gid = peer
            assert pickle.loads(pickle.dumps(peer)) == peer


CONNECT = """
import os, socket, sys
sock = socket.socket(socket.AF_UNIX)
if os.getuid() == 0:
    os.setgid(1234)
    os.setuid(1234)
sock.connect(sys.argv[1])
sock.recv(1)
"""


def test_the_peer_is_another_process(pysock, tmp_path):
    with pysock.socket(pysock.AF_UNIX) as listener:
        # Abstract: another user need not be able to go through directories.
        listener.bind(f"\0{tmp_path}")
        listener.listen()
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", CONNECT.replace("sys.argv[1]", repr(f"\0{tmp_path}"))]
        )
        with child:
            server, _ = listener.accept()
            with server:
                other = 1234 if os.getuid() == 0 else os.getuid()
                assert server.peercred() == (
                    child.pid,
                    other,
                    other if other == 1234 else os.getgid(),
                )
        with pysock.socket(pysock.AF_UNIX) as client:
            client.connect(f"\0{tmp_path}")
            assert client.peercred() == (os.getpid(), os.getuid(), os.getgid())


def test_no_peer(pysock, tcp_pair, udp_pair, tmp_path):
    with (
        pysock.socket(pysock.AF_UNIX) as unconnected,
        pysock.socket(pysock.AF_UNIX) as listener,
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as bound,
        pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as connected,
        pysock.socket() as tcp,
    ):
        listener.bind(tmp_path / "s")
        listener.listen()
        bound.bind(tmp_path / "d")
        connected.connect(tmp_path / "d")
        wrong = {unconnected: errno.ENOTCONN, listener: errno.ENOTCONN, bound: errno.ENOTCONN}
        wrong |= dict.fromkeys([connected, tcp, *tcp_pair, *udp_pair], errno.EOPNOTSUPP)
        for sock, number in wrong.items():
            with pytest.raises(OSError) as caught:
                sock.peercred()
            assert caught.value.errno == number, sock
    with pytest.raises(OSError) as caught:
        tcp.peercred()
    assert caught.value.errno == errno.EBADF
