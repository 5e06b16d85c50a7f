"""No call that pysock adds goes below TLS: neither plain text out, nor records in.

On a socket as `install()` makes it: ssl's class, derived from pysock's.
"""

import pytest
from support.whole_streams import tls

PLAIN = b"not to be seen"


def batch_with(pysock, data):
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_DGRAM)
    with a, b:
        a.send(data)
        batch = pysock.DatagramBatch(1, 100)
        batch.recv_into(b)
    return batch


SENDING = {
    "sendmmsg": lambda pysock, sock: sock.sendmmsg([PLAIN]),
    "send_segmented": lambda pysock, sock: sock.send_segmented(PLAIN, 5),
    "DatagramBatch.send": lambda pysock, sock: batch_with(pysock, PLAIN).send(sock),
    "send_fds": lambda pysock, sock: sock.send_fds([PLAIN], [0]),
}
RECEIVING = {
    "recvmmsg": lambda pysock, sock: sock.recvmmsg(2, 100),
    "DatagramBatch.recv_into": lambda pysock, sock: pysock.DatagramBatch(2, 100).recv_into(sock),
    "recv_fds": lambda pysock, sock: sock.recv_fds(100, 1),
    "splice": lambda pysock, sock: pysock.splice(sock, sock, 3),
}
REFUSED = (NotImplementedError, ValueError, OSError)


@pytest.mark.parametrize("name", SENDING)
def test_nothing_is_sent_in_plain_text(pysock, name):
    with tls(pysock) as (ours, theirs):
        with pytest.raises(REFUSED):
            SENDING[name](pysock, ours)
        ours.sendall(b"sealed")  # and the connection is as good as before
        assert theirs.recv(100) == b"sealed"


@pytest.mark.parametrize("name", RECEIVING)
def test_no_record_is_taken(pysock, name):
    with tls(pysock) as (ours, theirs):
        theirs.sendall(b"sealed")
        with pytest.raises(REFUSED):
            RECEIVING[name](pysock, ours)
        assert ours.recv(100) == b"sealed"


def test_what_works_is_sealed(pysock, tmp_path):
    """These go by the socket's own `send` and `recv`."""
    path = tmp_path / "file"
    path.write_bytes(b"three")
    with tls(pysock) as (ours, theirs):
        ours.send_zerocopy(b"one")
        ours.sendmsg_all([b"t", b"wo"])
        with path.open("rb") as file:
            assert ours.sendfile(file) == 5
        got = b""
        while len(got) < 11:
            got += theirs.recv(100)
        assert got == b"onetwothree"
        theirs.sendall(got)
        room = bytearray(5)
        assert ours.recv_exactly(6) == b"onetwo" and ours.recv_exactly_into(room) == 5
        assert room == b"three"
