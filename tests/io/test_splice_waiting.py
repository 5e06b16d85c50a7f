"""splice while there is nothing to move: deadlines, no CPU, and nobody else held up."""

import contextlib
import fcntl
import os
import select
import socket
import threading
import time

import pytest
from support.channels import (
    CHANNELS,
    MODES,
    MUCH,
    Collecting,
    Feeding,
    Splicing,
    alarm,
    finish,
    is_idle,
    raise_zero_division,
)

# Waiting


@pytest.mark.parametrize("timeout", [None, 60])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", CHANNELS)
@pytest.mark.parametrize("source", CHANNELS)
def test_waiting_costs_no_cpu(pysock, channel, source, target, mode, timeout):
    (a, b), (c, d) = channel(source), channel(target)
    for end in (b, c):
        end.settimeout(MODES[mode])
    splicing = Splicing(pysock, b, c, timeout=timeout)
    assert is_idle(splicing)  # there is nothing
    data = os.urandom(MUCH)
    feeding = Feeding(a, data)
    select.select([d.fileno()], [], [], 10)
    assert is_idle(splicing)  # there is no room
    collecting = Collecting(d)
    splicing.join()
    feeding.join()
    c.settimeout(None)
    finish(c)
    collecting.join()
    assert splicing.result == MUCH and collecting.got == data


def test_a_timeout_of_nothing_takes_what_is_there(pysock, channel):
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    for size in (0, 100, 50_000):
        a.sendall(bytes(size))
        select.select([b] if size else [], [], [], 10 if size else 0)
        with pytest.raises(TimeoutError) as caught:
            pysock.splice(b, c, timeout=0)
        moved = caught.value.bytes_moved
        assert caught.value.pending == b"" and moved <= size and bool(moved) == bool(size)
        if moved < size:
            assert pysock.splice(b, c, size - moved) == size - moved
        while size:
            size -= len(d.recv(size))
    a.sendall(b"abc")
    select.select([b], [], [], 10)
    assert pysock.splice(b, c, 3, timeout=0) == 3  # all that was asked for: there was no wait


def test_a_stream_that_does_not_end_is_left_at_the_deadline(pysock, channel):
    for threads in (False, True):
        (a, b), (c, d) = channel("tcp"), channel("tcp")
        over = threading.Event()

        def feed(a=a, over=over):
            with contextlib.suppress(OSError):
                while not over.is_set():
                    a.sendall(bytes(100_000))

        feeding, collecting = threading.Thread(target=feed), Collecting(d)
        feeding.start()
        start = time.monotonic()
        if threads:
            splicing = Splicing(pysock, b, c, timeout=0.3)
            splicing.join()
            error = splicing.result
        else:
            with pytest.raises(TimeoutError) as caught:
                pysock.splice(b, c, timeout=0.3)
            error = caught.value
        spent = time.monotonic() - start
        finish(c)
        collecting.join()
        over.set()
        b.close()
        with contextlib.suppress(OSError):
            a.shutdown(socket.SHUT_RDWR)
        feeding.join()
        assert isinstance(error, TimeoutError)
        assert 0.3 <= spent < 5
        assert error.bytes_moved == len(collecting.got) > 0


def test_a_pipe_of_the_callers_is_not_locked_while_its_bytes_wait(pysock, channel):
    """The kernel holds a pipe's lock while it waits for a socket: nobody else could write."""
    (a, b), (c, d) = channel("pipe"), channel("tcp")
    fcntl.fcntl(a.fileno(), 1031, 1 << 20)  # F_SETPIPE_SZ: more than the socket takes
    a.settimeout(0)
    data = os.urandom(1 << 20)
    assert os.write(a.fileno(), data) == len(data)
    splicing = Splicing(pysock, b, c)
    assert is_idle(splicing)
    writing = threading.Thread(target=os.write, args=(a.fileno(), b"more"))
    writing.start()
    writing.join(5)
    assert not writing.is_alive()
    finish(a)
    collecting = Collecting(d)
    splicing.join()
    finish(c)
    collecting.join()
    assert splicing.result == len(data) + 4
    assert collecting.got == data + b"more"


def test_a_pipe_of_the_callers_can_be_read_while_the_source_is_idle(pysock, channel):
    (a, b), (c, d) = channel("tcp"), channel("pipe")
    c.sendall(b"before")
    splicing = Splicing(pysock, b, c)
    a.sendall(bytes(100_000))
    got = 0
    while got < 100_006:
        got += len(d.recv(1 << 20))
    c.sendall(b"after")
    assert is_idle(splicing)
    reading = Collecting(d)
    deadline = time.monotonic() + 10
    while bytes(reading.got) != b"after" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reading.got == b"after"
    finish(a)
    splicing.join()
    finish(c)
    reading.join()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("before", [10, 200_000])
def test_urgent_data_is_no_end(pysock, channel, mode, before):
    """splice(2) stops in front of it, as if there were nothing more; recv() steps over it."""
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    for end in (b, c):
        end.settimeout(MODES[mode])
    head, tail = os.urandom(before), os.urandom(200_000)
    splicing, collecting = Splicing(pysock, b, c, timeout=20), Collecting(d)
    a.sendall(head)
    assert is_idle(splicing)
    a.send(b"!", socket.MSG_OOB)
    a.sendall(tail)
    deadline = time.monotonic() + 10
    while len(collecting.got) < before + len(tail) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_idle(splicing)
    finish(a)
    splicing.join()
    c.settimeout(None)
    finish(c)
    collecting.join()
    assert splicing.result == before + len(tail)
    assert collecting.got == head + tail


def test_an_error_that_stays_is_no_reason_to_spin(pysock, channel):
    """poll() reports POLLERR for ever where nobody reads the error queue."""
    (a, b), (c, d) = channel("tcp"), channel("tcp")
    c.setsockopt(socket.SOL_SOCKET, 60, 1)  # SO_ZEROCOPY
    c.settimeout(10)
    c.send(bytes(50_000), 0x4000000)  # MSG_ZEROCOPY: its completion stays in the queue
    select.select([d], [], [], 10)
    data = os.urandom(20 * MUCH)
    feeding, splicing = Feeding(a, data), Splicing(pysock, b, c)
    assert is_idle(splicing)
    collecting = Collecting(d)
    splicing.join()
    finish(c)
    feeding.join()
    collecting.join()
    assert collecting.got[50_000:] == data


@pytest.mark.parametrize("timeout", [0, 0.3, 20])
def test_an_error_that_stays_holds_up_neither_a_deadline_nor_a_signal(pysock, channel, timeout):
    """poll() calls a source ready, every time, that has nothing."""
    (_, b), (c, _) = channel("tcp"), channel("tcp")
    b.setsockopt(socket.SOL_SOCKET, 37, 1 << 1 | 1 << 4)  # SO_TIMESTAMPING, of what is sent
    b.send(b"x")
    error = ZeroDivisionError if timeout == 20 else TimeoutError
    begin = time.monotonic()
    with alarm(raise_zero_division, 5 if timeout < 20 else 0.3), pytest.raises(error) as raised:
        pysock.splice(b, c, timeout=timeout)
    assert timeout % 20 <= time.monotonic() - begin < 4
    assert (raised.value.bytes_moved, raised.value.pending) == (0, b"")
