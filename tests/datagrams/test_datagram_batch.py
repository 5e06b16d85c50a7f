"""DatagramBatch: received, looked at, changed in place, sent, and never past its slots."""

import contextlib
import gc
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.datagrams import drain, drain_batches, is_readable, network_namespace, udp
from support.parameter_ids import shown


@pytest.mark.parametrize("gro", [False, True])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_receive_and_look(pysock, family, gro):
    with udp(pysock, family, gro=gro) as (a, b):
        sent = [b"%d" % i * 10 for i in range(20)] + [b"", bytes(999), bytes(1000), bytes(1001)]
        assert a.sendmmsg(sent, b.getsockname()) == 24
        batch = pysock.DatagramBatch(64, 1000)
        assert (batch.slots, batch.slot_size, len(batch), list(batch)) == (64, 1000, 0, [])
        assert batch.recv_into(b) == len(batch) == 24
        for i, (datagram, data) in enumerate(zip(batch, sent, strict=True)):
            assert bytes(datagram) == bytes(batch[i]) == data[:1000]
            assert len(datagram) == min(len(data), 1000)
            assert datagram.address == a.getsockname()
            assert datagram.truncated == (len(data) > 1000)
            assert datagram.control_truncated is False
            assert datagram.timestamp_ns is datagram.tos is datagram.ecn is None
            assert datagram.destination is datagram.interface is datagram.drops is None
        assert bytes(batch[-1]) == bytes(1000)
        for wrong in (24, -25, sys.maxsize):
            with pytest.raises(IndexError):
                batch[wrong]
        assert "24 datagrams" in repr(batch) and str(len(sent[3])) in repr(batch[3])


@pytest.mark.parametrize("slots, slot_size", [(0, 1), (-1, 1), (1 << 17, 1), (1, 0), (1, 65536)])
def test_sizes_out_of_range(pysock, slots, slot_size):
    with pytest.raises(ValueError):
        pysock.DatagramBatch(slots, slot_size)


def test_wrong_types(pysock):
    batch = pysock.DatagramBatch(1, 1)
    for call in (
        lambda: pysock.DatagramBatch("1", 1),
        lambda: pysock.DatagramBatch(1),
        lambda: batch["0"],
        lambda: batch.send(None, "1"),
        lambda: batch.send(object()),
        lambda: batch.recv_into(object()),
        lambda: batch[object()],
    ):
        with pytest.raises(TypeError):
            call()


class Index:
    def __index__(self):
        return 1


@pytest.mark.parametrize("wrong", ["1", 1.0, None, [], slice(0, 1), 1 << 80], ids=shown)
def test_numbers_that_are_none(pysock, wrong):
    errors = (OverflowError, ValueError, IndexError) if isinstance(wrong, int) else TypeError
    with udp(pysock) as (a, b):
        a.sendmmsg([b"x"] * 3, b.getsockname())
        batch = pysock.DatagramBatch(Index(), Index())
        assert batch.recv_into(b) == 1
        calls = [
            lambda: pysock.DatagramBatch(wrong, 1),
            lambda: pysock.DatagramBatch(1, wrong),
            lambda: batch[wrong],
            lambda: b.recvmmsg(1, 1, wrong),
            lambda: b.recvmmsg(wrong, -1),
            lambda: b.recvmmsg(0, wrong),
            lambda: a.send_segmented(b"x", wrong, b.getsockname()),
        ]
        if wrong is not None:
            calls.append(lambda: batch.send(b, wrong))
        for call in calls:
            with pytest.raises(errors):
                call()
        assert a.send_segmented(b"x", Index(), b.getsockname()) == 1
        assert b.recvmmsg(Index(), Index()) == [(b"x", a.getsockname())]
        assert batch.send(a, n=1, address=b.getsockname()) == 1
        assert len(drain(b)) == 3
        with pytest.raises(IndexError):
            batch[Index()]


def test_what_the_kernel_tells(pysock):
    with udp(pysock) as (a, b):
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_TIMESTAMPNS, 1)
        b.setsockopt(pysock.IPPROTO_IP, pysock.IP_PKTINFO, 1)
        b.setsockopt(pysock.IPPROTO_IP, pysock.IP_RECVTOS, 1)
        a.setsockopt(pysock.IPPROTO_IP, pysock.IP_TOS, 0x2E << 2 | 1)
        before = time.time_ns()
        a.sendto(b"x", b.getsockname())
        batch = pysock.DatagramBatch(4, 10)
        assert batch.recv_into(b) == 1
        assert before - 10**7 < batch[0].timestamp_ns < time.time_ns() + 10**7
        assert batch[0].destination == "127.0.0.1"
        assert pysock.if_indextoname(batch[0].interface) == "lo"
        assert (batch[0].tos, batch[0].ecn, batch[0].segment_size) == (0x2E << 2 | 1, 1, None)


def test_drops_are_counted(pysock):
    with udp(pysock) as (a, b):
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_RXQ_OVFL, 1)
        b.setsockopt(pysock.SOL_SOCKET, pysock.SO_RCVBUF, 4096)
        for _ in range(100):
            a.sendto(bytes(500), b.getsockname())
        came = len(drain(b))
        assert came < 100
        a.sendto(b"after", b.getsockname())
        batch = pysock.DatagramBatch(4, 10)
        batch.recv_into(b)
        assert batch[0].drops == 100 - came


@pytest.mark.parametrize("gro", [False, True])
def test_echo_in_place(pysock, gro):
    with udp(pysock, gro=gro) as (a, b):
        sent = [b"%05d" % i * 20 for i in range(500)] + [b"short", b"", b"x" * 700]
        batch = pysock.DatagramBatch(64, 2000)
        assert a.sendmmsg(sent, b.getsockname()) == 503
        echoed = 0
        while is_readable(b):
            batch.recv_into(b)
            for datagram in batch:
                datagram.data[:1] = b"E"[: len(datagram)]
            echoed += batch.send(b)
        assert echoed == 503
        assert [data for data, _ in drain(a)] == [b"E"[: len(x)] + x[1:] for x in sent]


def test_send_some_and_to_another(pysock):
    with udp(pysock, gro=True) as (a, b), udp(pysock) as (c, d):
        data = os.urandom(1000)
        a.send_segmented(data, 300, b.getsockname())
        a.send_segmented(data, 100, b.getsockname())
        batch = pysock.DatagramBatch(64, 2000)
        while len(batch) < 14:
            assert batch.recv_into(b) in (14, 4)
        assert batch.send(b, 0) == 0
        for n in (1, 3, 4, 5, 7, 14, None):
            expected = [bytes(datagram) for datagram in batch][:n]
            assert batch.send(c, n, d.getsockname()) == len(expected)
            assert [data for data, _ in drain(d)] == expected
        assert batch.send(c, 2, ("localhost", d.getsockname()[1])) == 2
        assert len(drain(d)) == 2
        for wrong in (-1, 15):
            with pytest.raises(ValueError):
                batch.send(b, wrong)


def test_slots_smaller_than_what_was_joined(pysock):
    """Cut datagram by datagram, as they would have been without GRO, and sent as they are."""
    with udp(pysock, gro=True) as (a, b), udp(pysock) as (c, d):
        data = os.urandom(6400)
        a.send_segmented(data, 100, b.getsockname())
        batch = pysock.DatagramBatch(64, 30)
        assert batch.recv_into(b) == 64
        expected = [data[at : at + 30] for at in range(0, 6400, 100)]
        assert [bytes(datagram) for datagram in batch] == expected
        assert all(datagram.truncated for datagram in batch)
        assert batch.send(c, address=d.getsockname()) == 64
        assert [data for data, _ in drain(d)] == expected


def test_more_datagrams_than_slots(pysock):
    with udp(pysock, gro=True) as (a, b):
        sent = [bytes([i]) * 50 for i in range(200)]
        assert a.sendmmsg(sent, b.getsockname()) == 200
        batch = pysock.DatagramBatch(1, 50)
        came = []
        while is_readable(b):
            batch.recv_into(b)
            came += map(bytes, batch)
        assert came == sent


def test_a_datagram_of_a_batch_that_went_on(pysock):
    with udp(pysock) as (a, b):
        a.sendmmsg([b"one", b"two"], b.getsockname())
        batch = pysock.DatagramBatch(1, 10)
        batch.recv_into(b)
        datagram, view = batch[0], batch[0].data
        assert view == b"one" and not view.readonly
        batch.recv_into(b)
        assert bytes(batch[0]) == b"two"
        for look in (bytes, lambda d: d.address, lambda d: d.tos, lambda d: d.data):
            with pytest.raises(RuntimeError):
                look(datagram)
        assert "gone" in repr(datagram)
        b.set_gro(True)
        a.sendto(b"three", b.getsockname())
        batch.recv_into(b)  # the arena is another one now
        kept = batch[0].data
        del batch, datagram
        gc.collect()
        assert len(view) == 3 and bytes(view) in (b"one", b"two")
        assert kept == b"three"


def test_one_thread_at_a_time(pysock):
    with udp(pysock) as (a, b):
        batch = pysock.DatagramBatch(1, 10)
        waiting = threading.Thread(target=batch.recv_into, args=(b,))
        waiting.start()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                batch.send(a, 0)
            except RuntimeError:
                break
        else:
            raise AssertionError("two at once")
        with pytest.raises(RuntimeError):
            batch.recv_into(b)
        a.sendto(b"x", b.getsockname())
        waiting.join()
        assert bytes(batch[0]) == b"x"


def test_waiting_and_failing(pysock):
    with udp(pysock, timeout=0.05) as (a, b):
        batch = pysock.DatagramBatch(3, 10)
        a.sendto(b"x", b.getsockname())
        assert batch.recv_into(b) == 1
        with pytest.raises(TimeoutError):
            batch.recv_into(b)
        assert len(batch) == 0
        b.setblocking(False)
        with pytest.raises(BlockingIOError):
            batch.recv_into(b)
        b.close()
        with pytest.raises(OSError):
            batch.recv_into(b)
        with pytest.raises(OSError):
            a.sendto(b"x", a.getsockname())
            batch.recv_into(a)
            batch.send(b)


def test_unix(pysock, tmp_path):
    a, b = (pysock.socket(pysock.AF_UNIX, pysock.SOCK_DGRAM) for _ in range(2))
    with a, b:
        a.bind(str(tmp_path / "a"))
        b.bind(str(tmp_path / "b"))
        a.sendmmsg([b"x", b"", b"yz" * 10], str(tmp_path / "b"))
        batch = pysock.DatagramBatch(10, 8)
        assert batch.recv_into(b) == 3
        assert [one.truncated for one in batch] == [False, False, True]
        assert batch[0].address == str(tmp_path / "a")
        assert batch.send(b) == 3
        assert [data for data, _ in a.recvmmsg(10, 10)] == [b"x", b"", b"yz" * 4]


def test_a_stream_is_no_place_for_it(pysock, pair):
    a, b = pair
    batch = pysock.DatagramBatch(4, 10)
    with pytest.raises(OSError):
        batch.recv_into(b)
    with udp(pysock) as (c, d):
        c.sendmmsg([b"ab", b"cd"], d.getsockname())
        while len(batch) < 2:
            batch.recv_into(d)
    # The senders' addresses are none of the stream's family: what happens is the kernel's matter.
    with contextlib.suppress(OSError, TypeError):
        batch.send(a)


def test_the_end_of_a_connection_comes_once(pysock):
    a, b = pysock.socketpair(pysock.AF_UNIX, pysock.SOCK_SEQPACKET)
    batch = pysock.DatagramBatch(8, 10)
    with a, b:
        a.send(b"one")
        assert batch.recv_into(b) == 1
        a.send(b"two")
        a.shutdown(pysock.SHUT_WR)
        came = []
        for _ in range(3):
            batch.recv_into(b)
            came += map(bytes, batch)
        assert came in ([b"two", b"", b""], [b"two", b"", b"", b""])


def test_nothing_is_left_of_the_last_time(pysock):
    """Also where the receive raises what an earlier call had to say."""
    with udp(pysock, connected=True) as (a, b):
        b.connect(a.getsockname())
        batch = pysock.DatagramBatch(4, 10)
        b.send(b"x")
        assert batch.recv_into(a) == 1
        assert a.sendmmsg([b"x", bytes(65508)]) == 1
        with pytest.raises(OSError):
            batch.recv_into(a)
        assert len(batch) == 0


def test_a_datagram_of_no_batch(pysock):
    with udp(pysock) as (a, b):
        a.sendto(b"x", b.getsockname())
        batch = pysock.DatagramBatch(1, 10)
        batch.recv_into(b)
        cls = type(batch[0])
        with pytest.raises(TypeError):
            cls()
        stray = cls.__new__(cls)
        looks = [bytes, repr] + [
            lambda stray, name=name: getattr(stray, name)
            for name in ("data", "address", "truncated", "timestamp_ns", "segment_size")
        ]
        for look in looks:
            with contextlib.suppress(RuntimeError, AttributeError):
                assert "gone" in look(stray)


def test_a_batch_that_lies_about_its_length(pysock):
    class Liar(pysock.DatagramBatch):
        def __len__(self):
            return sys.maxsize

    with udp(pysock) as (a, b), udp(pysock) as (c, d):
        a.sendmmsg([b"x", b"y"], b.getsockname())
        batch = Liar(4, 10)
        assert batch.recv_into(b) == 2
        for n in (3, sys.maxsize):
            with pytest.raises(ValueError):
                batch.send(c, n, d.getsockname())
        assert batch.send(c, None, d.getsockname()) == 2


def test_gro_over_a_device_that_segments(pysock):
    """Through a veth pair: GSO cut by the stack, joined again by the receiving end, or not."""
    commands = """
        ip link add left type veth peer name right
        ip addr add 10.9.8.1/24 dev left
        ip addr add 10.9.8.2/24 dev right
        ip link set lo up
        ip link set left up
        ip link set right up
    """
    try:
        with network_namespace():
            for command in filter(None, map(str.split, commands.splitlines())):
                if subprocess.run(command, capture_output=True).returncode:
                    pytest.skip("no veth devices")
            with udp(pysock, gro=True) as (a, b):
                sent = [bytes([i]) * 1400 for i in range(200)]
                assert a.sendmmsg(sent, b.getsockname()) == 200
                assert [data for data, _ in drain_batches(b)] == sent
    except (PermissionError, FileNotFoundError) as error:
        pytest.skip(f"no network namespace: {error}")


@settings(max_examples=80, deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 70)), min_size=1, max_size=4),
    slots=st.integers(1, 70),
    slot_size=st.sampled_from([1, 100, 1400, 65535]),
    gro=st.booleans(),
)
def test_as_one_by_one(pysock, runs, slots, slot_size, gro):
    with udp(pysock, gro=gro) as (a, b):
        sent = [bytes([i % 256]) * size for size, count in runs for i in range(count)]
        assert a.sendmmsg(sent, b.getsockname()) == len(sent)
        batch = pysock.DatagramBatch(slots, slot_size)
        came = []
        while is_readable(b):
            batch.recv_into(b)
            came += map(bytes, batch)
            assert batch.send(b) == len(batch)
        assert came == [data[:slot_size] for data in sent]
        assert [data for data, _ in drain(a)] == came
