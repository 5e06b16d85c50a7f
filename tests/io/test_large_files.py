"""Files beyond 2 and 4 GiB: more than a 32-bit offset can hold."""

import os

import pytest

GIB = 1 << 30
DATA = b"0123456789"


@pytest.fixture
def large(tmp_path):
    """Make a file with holes: DATA stands at the offset, and zeros before it."""
    path = tmp_path / "large"
    opened = []

    def make(offset):
        with open(path, "wb") as file:
            file.seek(offset)
            file.write(DATA)
        opened.append(open(path, "rb"))
        return opened[-1]

    yield make
    for file in opened:
        file.close()


@pytest.mark.parametrize("offset", [2 * GIB - 5, 2 * GIB, 4 * GIB - 5, 4 * GIB, 5 * GIB])
def test_sendfile_from_an_offset(net, pair, large, offset):
    a, b = pair
    b.settimeout(20)
    assert a.sendfile(large(offset), offset=offset, count=10) == 10
    assert b.recv(100) == DATA


@pytest.mark.parametrize("offset", [2 * GIB - 5, 4 * GIB - 5, 5 * GIB])
def test_sendfile_from_an_offset_to_the_end(net, pair, large, offset):
    a, b = pair
    b.settimeout(20)
    file = large(offset)
    assert a.sendfile(file, offset=offset) == 10
    assert file.tell() == offset + 10
    assert b.recv(100) == DATA


@pytest.mark.parametrize("offset", [2 * GIB - 5, 2 * GIB, 4 * GIB - 5, 5 * GIB])
def test_splice_from_a_position(pysock, pair, large, offset):
    a, b = pair
    b.settimeout(20)
    file = large(offset)
    os.lseek(file.fileno(), offset, os.SEEK_SET)
    assert pysock.splice(file.fileno(), a) == 10
    assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == offset + 10
    assert b.recv(100) == DATA


@pytest.mark.parametrize("size", [2 * GIB, 5 * GIB])
def test_splice_of_a_part_of_a_large_file(pysock, pair, large, size):
    a, b = pair
    b.settimeout(20)
    assert pysock.splice(large(size), a, 100) == 100
    assert b.recv(200) == bytes(100)


def test_a_zero_copy_send_over_tcp(pysock, tcp_pair):
    """Its struct has a lock behind the one of the transfer, which has a file's offset."""
    a, b = tcp_pair
    for sock in tcp_pair:
        sock.settimeout(20)
    data = os.urandom(100_000)
    assert a.send_zerocopy(data) == len(data)
    assert b.recv_exactly(len(data)) == data
