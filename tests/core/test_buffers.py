"""Every call takes the buffers that `socket.send` or `socket.recv_into` takes, and no others.

The objects are those of support/exporters.py. The oracle is `socket` itself: what it does with an
object is what every call does with it, the class of the exception included. Only MemoryError and
what is no Exception differ: `recv_into` raises a TypeError for them, and the calls that only pysock
has raise them as they are.
"""

import codecs
import socket
import sys
from threading import Thread

import pytest
from support.exporters import FILLED, SENT, Exporting, Formless, content, numpy, size_of

STEP = bytes(range(1, 251))


def attempt(call, *arguments):
    """What *call* returns, or the class of what it raises."""
    try:
        return call(*arguments)
    except BaseException as error:
        return type(error)


def differences(call, expected, table):
    """The names of the objects in the *table* of which *call* makes something else."""
    found = {}
    for name, make in table:
        right, got = expected(make()), attempt(call, make())
        if type(got) is not type(right) or got != right:
            found[name] = got, right
    return found


# Sending


def everything(receiver):
    """All bytes that *receiver* has; it is non-blocking."""
    try:
        return receiver.recv(1 << 16)
    except BlockingIOError:
        return b""


def by_stream(method):
    """A call of a stream socket, whose peer receives."""

    def call(net, exporter):
        a, b = net.socketpair()
        with a, b:
            b.setblocking(False)
            method(net, a, exporter)
            return everything(b)

    return call


def by_datagrams(method):
    def call(net, exporter):
        with net.socket(type=net.SOCK_DGRAM) as a, net.socket(type=net.SOCK_DGRAM) as b:
            b.bind(("127.0.0.1", 0))
            b.setblocking(False)
            a.connect(b.getsockname())
            method(a, exporter, b.getsockname())
            return everything(b)

    return call


def by_file(net, sock, exporter):
    with sock.makefile("wb", buffering=0) as file:
        file.write(exporter)


def by_buffered_stream(write):
    def method(net, sock, exporter):
        with net.Stream(sock) as stream:
            write(stream, exporter)

    return method


def as_value(net, sock, exporter):
    """Its bytes as those of a control message of a type that has no meaning; then they are sent."""
    assert net.parse_ancillary([(net.SOL_SOCKET, 0x7FFF, exporter)]).timestamp_ns is None
    sock.send(exporter)


OF_SOCKET_TO_SEND = {
    "send": by_stream(lambda net, sock, data: sock.send(data)),
    "send with flags": by_stream(lambda net, sock, data: sock.send(data, net.MSG_DONTWAIT)),
    "sendall": by_stream(lambda net, sock, data: sock.sendall(data)),
    "sendall with flags": by_stream(lambda net, sock, data: sock.sendall(data, net.MSG_DONTWAIT)),
    "sendmsg": by_stream(lambda net, sock, data: sock.sendmsg([data])),
    "sendmsg of three": by_stream(lambda net, sock, data: sock.sendmsg([b"", data, b""])),
    "sendto": by_datagrams(lambda sock, data, peer: sock.sendto(data, peer)),
    "sendto with flags": by_datagrams(lambda sock, data, peer: sock.sendto(data, 0, peer)),
    "sendmsg to": by_datagrams(lambda sock, data, peer: sock.sendmsg([data], [], 0, peer)),
    "a file": by_stream(by_file),
}
OF_PYSOCK_TO_SEND = {
    "sendmsg_all": by_stream(lambda net, sock, data: sock.sendmsg_all([data])),
    "sendmsg_all of three": by_stream(lambda net, sock, data: sock.sendmsg_all([b"", data, b""])),
    "sendmsg_all of many": by_stream(
        lambda net, sock, data: sock.sendmsg_all(iter([b""] * 20 + [data]))
    ),
    "send_zerocopy": by_stream(lambda net, sock, data: sock.send_zerocopy(data)),
    "send_fds": by_stream(lambda net, sock, data: sock.send_fds([data], [])),
    "write": by_stream(by_buffered_stream(lambda stream, data: stream.write(data))),
    "writelines": by_stream(by_buffered_stream(lambda stream, data: stream.writelines([data]))),
    "parse_ancillary": by_stream(as_value),
    "sendmmsg": by_datagrams(lambda sock, data, peer: sock.sendmmsg([data])),
    "sendmmsg to": by_datagrams(lambda sock, data, peer: sock.sendmmsg([(data, peer)])),
    "send_segmented": by_datagrams(lambda sock, data, peer: sock.send_segmented(data, 65535)),
    "send_segmented to": by_datagrams(
        lambda sock, data, peer: sock.send_segmented(data, 65535, peer)
    ),
}


def sent(exporter):
    """What `socket.send` makes of it."""
    return attempt(OF_SOCKET_TO_SEND["send"], socket, exporter)


@pytest.mark.parametrize("name", OF_SOCKET_TO_SEND)
def test_what_is_sent(net, name):
    call = OF_SOCKET_TO_SEND[name]
    assert not differences(lambda exporter: call(net, exporter), sent, SENT)


@pytest.mark.parametrize("name", OF_PYSOCK_TO_SEND)
def test_what_pysock_sends(pysock, name):
    def expected(exporter):
        if name.startswith("sendmmsg") and isinstance(exporter, tuple):
            return TypeError  # it would be a message and its address
        return sent(exporter)

    call = OF_PYSOCK_TO_SEND[name]
    assert not differences(lambda exporter: call(pysock, exporter), expected, SENT)


def test_what_is_in_a_control_message(pysock):
    """The kernel refuses what is not a list of descriptors, but not before it has its bytes."""

    def refused(net, exporter):
        a, b = net.socketpair()
        with a, b:
            try:
                a.sendmsg([b"x"], [(net.SOL_SOCKET, 0x7FFF, exporter)])
            except OSError as error:
                return error.errno
            return "sent"

    assert not differences(
        lambda exporter: refused(pysock, exporter),
        lambda exporter: attempt(refused, socket, exporter),
        SENT,
    )


# Filling


def filled_by(method):
    """What *method* leaves in the object, whose size the peer sends, and a byte more."""

    def call(net, exporter):
        a, b = net.socketpair()
        with a, b:
            b.setblocking(False)
            size = attempt(size_of, exporter)
            size = size if type(size) is int else 3
            a.sendall(STEP[: size + 1])
            method(net, b, exporter)
            return content(exporter)

    return call


def by_raw_file(net, sock, exporter):
    with sock.makefile("rb", buffering=0) as file:
        file.readinto(exporter)


OF_SOCKET_TO_FILL = {
    "recv_into": filled_by(lambda net, sock, memory: sock.recv_into(memory)),
    "recvfrom_into": filled_by(lambda net, sock, memory: sock.recvfrom_into(memory)),
    "recvmsg_into": filled_by(lambda net, sock, memory: sock.recvmsg_into([memory])),
    "recvmsg_into of two": filled_by(
        lambda net, sock, memory: sock.recvmsg_into([memory, bytearray(1)])
    ),
    "recvmsg_into of an iterator": filled_by(
        lambda net, sock, memory: sock.recvmsg_into(iter([memory]))
    ),
    "a file": filled_by(by_raw_file),
}
OF_PYSOCK_TO_FILL = {
    "recv_exactly_into": filled_by(lambda net, sock, memory: sock.recv_exactly_into(memory)),
    "readinto": filled_by(lambda net, sock, memory: net.Stream(sock).readinto(memory)),
    "readinto1": filled_by(lambda net, sock, memory: net.Stream(sock).readinto1(memory)),
    "readinto_exactly": filled_by(
        lambda net, sock, memory: net.Stream(sock).readinto_exactly(memory)
    ),
}


def filled(exporter):
    """What `socket.recv_into` makes of it."""
    return attempt(OF_SOCKET_TO_FILL["recv_into"], socket, exporter)


@pytest.mark.parametrize("name", OF_SOCKET_TO_FILL)
def test_what_is_filled(net, name):
    call = OF_SOCKET_TO_FILL[name]
    assert not differences(lambda exporter: call(net, exporter), filled, FILLED)


@pytest.mark.parametrize("name", OF_PYSOCK_TO_FILL)
def test_what_pysock_fills(pysock, name):
    def expected(exporter):
        error = getattr(exporter, "memory", None)
        if isinstance(error, (MemoryError, KeyboardInterrupt)):
            return type(error)
        return filled(exporter)

    call = OF_PYSOCK_TO_FILL[name]
    assert not differences(lambda exporter: call(pysock, exporter), expected, FILLED)


def test_splice_takes_none(pysock):
    def spliced(exporter):
        a, b = pysock.socketpair()
        with a, b:
            return pysock.splice(a, exporter, 0)

    table = [(name, make) for name, make in SENT if not isinstance(make(), int)]
    assert not differences(spliced, lambda exporter: TypeError, table)


# Objects that memoryview() does not show


def formless(count):
    """*count* bytes that can be written to, of an object that memoryview() does not show."""
    if sys.version_info >= (3, 12):
        return Formless(bytearray(count))
    if numpy is None:
        pytest.skip("needs numpy, or Python 3.12")
    return numpy.zeros(count // 8, "M8[s]")


def test_what_came_before_the_end_is_in_the_buffer(pysock, pair):
    a, b = pair
    a.sendall(STEP[:50])
    a.close()
    memory = formless(80)
    with pytest.raises(pysock.IncompleteReadError) as caught:
        b.recv_exactly_into(memory)
    assert caught.value.partial == STEP[:50]
    assert caught.value.expected == 80
    assert caught.value.bytes_received == 50
    assert content(memory) == STEP[:50] + bytes(30)


def test_what_came_before_a_timeout_is_in_the_buffer(pysock, pair):
    a, b = pair
    a.sendall(STEP[:50])
    memory = formless(80)
    with pytest.raises(TimeoutError) as caught:
        b.recv_exactly_into(memory, timeout=0.05)
    assert caught.value.bytes_received == 50
    assert content(memory) == STEP[:50] + bytes(30)


def test_a_large_one_is_sent_and_received(pysock, pair):
    a, b = pair
    sent, received = formless(1 << 20), formless(1 << 20)
    memory = getattr(sent, "memory", sent)
    memory[:] = type(memory)(STEP[:8] * (1 << 17)) if isinstance(memory, bytearray) else 5
    sender = Thread(target=a.sendall, args=[sent])
    sender.start()
    assert b.recv_exactly_into(received) == 1 << 20
    sender.join()
    assert content(received) == content(sent)


def test_a_refused_buffer_is_not_held(pysock, pair):
    """Neither is one that was sent, nor one whose call failed."""
    a, b = pair
    memory = bytearray(9)
    strided, whole = memoryview(memory)[::2], memoryview(memory)
    with pysock.Stream(b) as stream:
        calls = [
            lambda: a.sendall(strided),
            lambda: a.sendmsg_all([memory, strided]),
            lambda: a.sendmsg_all([memory, None]),
            lambda: a.recv_exactly_into(strided),
            lambda: a.recv_exactly_into(whole, timeout=0),
            lambda: stream.readinto(strided),
            lambda: stream.write(strided),
        ]
        kept = []
        for call in calls:
            with pytest.raises((TypeError, BufferError, TimeoutError)) as caught:
                call()
            kept.append(caught)  # with its traceback, and so with the variables of its frames
        strided.release()
        whole.release()
        memory.append(1)  # BufferError if somebody holds it


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes export no buffers before 3.12")
def test_an_interrupt_of_an_exporter_is_raised(pysock, pair):
    """Whichever time the exporter is asked: an interrupt that comes then is never a TypeError."""
    a, b = pair
    a.sendall(bytes(8))

    class Interrupted(Exporting):
        calls = 0

        def __buffer__(self, flags):
            self.calls += 1
            if self.calls == self.at:
                raise self.error
            return memoryview(self.memory)

    for at in range(1, 4):
        for error in (KeyboardInterrupt, MemoryError):
            for call in (
                a.sendall,
                lambda memory: a.sendmsg_all([memory]),
                lambda memory: b.recv_exactly_into(memory, timeout=0),
                lambda memory: a.sendmmsg([memory]),
                lambda memory: pysock.parse_ancillary([(1, 1, memory)]),
            ):
                memory = Interrupted(bytearray(8))
                memory.at, memory.error = at, error
                got = attempt(call, memory)
                assert got is not TypeError, (at, error, call)
                if memory.calls >= at:
                    assert got is error, (at, call)


def test_the_oracle_sees_the_bytes():
    """The comparison is one of bytes: `content` asks for a simple buffer, and returns it all."""
    assert sent(bytearray(b"abc")) == b"abc"
    assert filled(bytearray(3)) == STEP[:3]
    assert codecs.readbuffer_encode(memoryview(b"abc"))[0] == b"abc"
