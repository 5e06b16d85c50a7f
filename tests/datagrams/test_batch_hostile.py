"""The batch calls, called by who closes, changes and lies in the middle of them."""

import array
import contextlib
import importlib
import io
import struct
import sys
import threading

import pytest
from support.datagrams import drain, fill, is_readable, udp, unix_pair


class Closing:
    """An int, a path, a buffer that closes the socket when it is asked for itself."""

    def __init__(self, sock, value=1):
        self.sock, self.value = sock, value

    def __index__(self):
        self.sock.close()
        return self.value

    def __fspath__(self):
        self.sock.close()
        return "/nowhere"

    def __buffer__(self, flags):
        self.sock.close()
        return memoryview(b"x")


def test_arguments_that_close_the_socket(pysock):
    address = ("127.0.0.1", 9)
    batch = pysock.DatagramBatch(1, 1)
    calls = [
        lambda sock, bad: sock.recvmmsg(bad, 10),
        lambda sock, bad: sock.recvmmsg(10, bad),
        lambda sock, bad: sock.recvmmsg(10, 10, bad),
        lambda sock, bad: sock.sendmmsg([b"x", b"y"], address, bad),
        lambda sock, bad: sock.send_segmented(b"xy", bad, address),
        lambda sock, bad: sock.send_segmented(b"xy", 1, address, bad),
        lambda sock, bad: pysock.DatagramBatch(1, 1).recv_into(sock, bad),
        lambda sock, bad: batch.send(sock, bad),
        lambda sock, bad: batch.send(sock, 1, address, bad),
        lambda sock, bad: sock.sendmmsg([b"x"], ("127.0.0.1", bad)),
    ]
    if sys.version_info >= (3, 12):
        calls.append(lambda sock, bad: sock.sendmmsg([b"x", bad], address))
        calls.append(lambda sock, bad: sock.send_segmented(bad, 1, address))
    with udp(pysock) as (a, b):
        a.sendto(b"x", b.getsockname())
        batch.recv_into(b)
    for call in calls:
        with pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM) as sock:
            with contextlib.suppress(OSError, TypeError):
                assert call(sock, Closing(sock)) == 0
            assert sock.fileno() == -1
    with pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) as sock:
        with pytest.raises(OSError):
            sock.sendmmsg([b"x"], Closing(sock))
        assert sock.fileno() == -1


def test_a_number_that_receives_into_its_batch(pysock):
    with udp(pysock) as (a, b):
        a.sendmmsg([b"x"] * 4, b.getsockname())
        batch = pysock.DatagramBatch(2, 10)
        assert batch.recv_into(b) == 2

        class Number:
            def __index__(self):
                b.setblocking(False)
                batch.recv_into(b)
                with contextlib.suppress(BlockingIOError):
                    batch.recv_into(b)
                return 2

        with pytest.raises(ValueError):
            batch.send(b, Number())
        assert len(batch) == 0


def test_iterables_that_fail_or_lie(pysock):
    def failing():
        yield b"never sent"
        raise KeyError("now")

    class Lying:
        def __iter__(self):
            return iter([b"x", b"y"])

        def __len__(self):
            return 1 << 60

    class Bare:
        def __getitem__(self, i):
            return [b"x", b"y"][i]

    with udp(pysock) as (a, b):
        with pytest.raises(KeyError):
            a.sendmmsg(failing(), b.getsockname())
        assert drain(b) == []
        with contextlib.suppress(MemoryError, OverflowError):
            a.sendmmsg(Lying(), b.getsockname())
        drain(b)
        assert a.sendmmsg(Bare(), b.getsockname()) == 2
        changing = [b"1", b"2"]
        changing += [(memoryview(b"3"), b.getsockname()), array.array("H", [1, 2])]
        assert a.sendmmsg(changing, b.getsockname()) == 4
        assert [data for data, _ in drain(b)][2:] == [b"1", b"2", b"3", struct.pack("HH", 1, 2)]


def test_memory_is_held_while_it_is_sent(pysock, tmp_path):
    """A buffer cannot be taken away under a call that waits, and is free once it returned."""
    a, b = unix_pair(pysock, tmp_path)
    with a, b:
        data = bytearray(b"abc")
        fill(a)
        a.settimeout(10)
        sender = threading.Thread(target=a.sendmmsg, args=([data, b"x"],))
        sender.start()
        with pytest.raises(BufferError):
            while True:
                data.append(0)
                data.pop()
        drained = drain(b)
        while b"x" not in [one for one, _ in drained]:
            drained += drain(b)
        sender.join()
        data.append(0)
        assert b"abc" in [one[:3] for one, _ in drained]


def test_nothing_is_kept_of_the_arguments(pysock):
    with udp(pysock) as (a, b):
        address, data = tuple(list(b.getsockname())), io.BytesIO(b"x" * 50).getvalue()
        counts = sys.getrefcount(address), sys.getrefcount(data)
        batch = pysock.DatagramBatch(8, 100)
        for _ in range(20):
            a.sendmmsg([data, (data, address)], address)
            a.send_segmented(data, 10, address)
            with contextlib.suppress(TypeError):
                a.sendmmsg([data, (data, address), None], address)
            while is_readable(b):
                batch.recv_into(b)
                batch.send(b, 0, address)
        entries = importlib.import_module(f"{pysock.__name__}._shared.socket_state").entries
        assert not entries
        assert (sys.getrefcount(address), sys.getrefcount(data)) == counts
