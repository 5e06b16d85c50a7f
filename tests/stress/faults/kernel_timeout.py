"""The socket has no timeout, but the kernel has one for it: SO_RCVTIMEO, SO_SNDTIMEO.

A call gives up with BlockingIOError and has taken nothing, or says how much it moved; what it left
is the next one's. Each wait has a rescue: a call that waits on is a failed cell, and no hang.
"""

import contextlib
import functools
import select
import socket as stdlib
import struct
import threading
import time

from cell import MUCH, Reader, datagram_pair, drain, finish, net, outcome, sent_as_said, start
from connecting import CONNECTS, FullBacklog, accepted, listening, of, passes
from operations import BYTES, DATAGRAM_IN, DATAGRAM_OUT, STREAM_IN, STREAM_OUT
from support.connections import BlackHole
from support.waits import fill
from support.whole_streams import deliver, stream

PART = "the kernel's own timeout"
GIVES_UP = 0.05  # s
RESCUE = 5  # s
LIMIT = struct.pack("ll", 0, int(GIVES_UP * 1e6))
LINE = bytes(range(100, 199)) + b"\n"  # no part of it is like another
HALF = len(LINE) // 2
FILLER = b"f"
WAIT_ON = ["sendfile"]  # until there is room, without end: the standard library's does, too


def limited(sock):
    """*sock*, with no time to keep to but the kernel's."""
    sock.settimeout(None)
    for option in (stdlib.SO_RCVTIMEO, stdlib.SO_SNDTIMEO):
        sock.setsockopt(stdlib.SOL_SOCKET, option, LIMIT)
    return sock


def end(sock):
    stdlib.socket.shutdown(sock, stdlib.SHUT_RDWR)


class Call:
    """A call, with *rescue* where it does not end: its result, what it returned, what it raised."""

    def __init__(self, call, rescue, *of):
        self.error = None
        timer = threading.Timer(RESCUE, rescue, of)
        begun = time.monotonic()
        timer.start()
        self.result, self.got = outcome(lambda: self.keeping_the_error(call))
        spent = time.monotonic() - begun
        timer.cancel()
        timer.join()
        self.in_time = GIVES_UP * 0.8 <= spent < RESCUE  # the kernel counts in ticks

    def keeping_the_error(self, call):
        try:
            return call()
        except Exception as error:
            self.error = error
            raise

    def gave_up(self):
        # What a raw file says for BlockingIOError is None.
        said = self.result == "BlockingIOError" or (self.result, self.got) == ("ok", None)
        return said and self.in_time

    def told(self, name):
        return getattr(self.error, name, None)


def called_again(call, there, a, b):
    """Call in vain; what was *there* of LINE is the beginning of what the next one returns."""
    if there:
        deliver(a, b, LINE[:there])
    first = Call(call, end, b)
    if not first.gave_up():
        return first.result, False
    stdlib.socket.send(a, LINE[there:])
    b.settimeout(RESCUE)
    return first.result, outcome(call) == ("ok", LINE) and drain(b) == b""


def receives():
    for kind, pair, table in (
        ("unix", lambda: stream(net, "unix"), STREAM_IN),
        ("tcp", lambda: stream(net, "tcp4"), STREAM_IN),
        ("datagram", datagram_pair, DATAGRAM_IN),
    ):
        for name, call in table.items():
            start(PART, "nothing there", kind, name)
            with pair() as (a, b):
                result, whole = called_again(functools.partial(call, limited(b)), 0, a, b)
            finish(result=result, whole=whole)


def received_by_halves(name, a, b):
    """What recv_exactly had when it gave up, and what it left, are all there is."""
    room = bytearray(len(LINE))
    into = name == "recv_exactly_into"
    deliver(a, b, LINE[:HALF])
    first = Call(lambda: getattr(limited(b), name)(room if into else len(room)), end, b)
    had = bytes(room[: first.told("bytes_received")]) if into else first.told("partial")
    if not first.gave_up() or had != LINE[:HALF]:
        return first.result, False
    stdlib.socket.send(a, LINE[HALF:])
    b.settimeout(RESCUE)
    again = outcome(lambda: b.recv_exactly(len(LINE) - HALF))
    return first.result, again == ("ok", LINE[HALF:]) and drain(b) == b""


def halves():
    for kind in ("unix", "tcp4"):
        for name in ("recv_exactly", "recv_exactly_into"):
            start(PART, "half there", kind, name)
            with stream(net, kind) as (a, b):
                result, whole = received_by_halves(name, a, b)
            finish(result=result, whole=whole)


def sent(name, call, a, b):
    """Send MUCH, which nobody reads meanwhile; the peer gets what the call says that it sent."""
    readers = []
    late = threading.Timer(4 * GIVES_UP, lambda: readers.append(Reader(b)))
    if name in WAIT_ON:
        late.start()
    one = Call(lambda: call(limited(a), MUCH), end, a)
    if name in WAIT_ON:
        late.join()
    else:
        late.function()
    with contextlib.suppress(OSError):  # it was rescued
        a.shutdown(net.SHUT_WR)
    readers[0].join()
    got = bytes(readers[0].got).lstrip(FILLER)
    told = one.got if one.result == "ok" else one.told("bytes_sent")
    return one.result, one.in_time and sent_as_said(
        one.result if told is None else "ok", told, MUCH, got
    )


def sent_a_datagram(call, a, b):
    """Call in vain; nothing of it has gone out, and the next one's comes."""
    fill(a)
    first = Call(lambda: call(limited(a), BYTES), b.close)
    if not first.gave_up() or drain(b).strip(FILLER):
        return first.result, False
    a.settimeout(RESCUE)
    return first.result, outcome(lambda: call(a, BYTES))[0] == "ok" and drain(b) == BYTES


def sends():
    for what, kind in (("small buffers", "unix"), ("small buffers", "tcp4"), ("full", "unix")):
        for name, call in STREAM_OUT.items():
            start(PART, what, kind, name)
            with stream(net, kind, small=True) as (a, b):
                if what == "full":
                    fill(a)
                result, whole = sent(name, call, a, b)
            finish(result=result, whole=whole)
    for name, call in DATAGRAM_OUT.items():
        start(PART, "full", "datagram", name)
        a, b = net.socketpair(net.AF_UNIX, net.SOCK_DGRAM)
        with a, b:
            result, whole = sent_a_datagram(call, a, b)
        finish(result=result, whole=whole)


def into(name):
    def read(file):
        room = bytearray(len(LINE))
        return bytes(room[: getattr(file, name)(room)])

    return read


# A Stream's ways to read: these wait for all of a line, the others for anything.
ALL_OF_IT = {
    "read": lambda file: file.read(len(LINE)),
    "readexactly": lambda file: file.readexactly(len(LINE)),
    "readinto": into("readinto"),
    "readinto_exactly": into("readinto_exactly"),
    "readline": lambda file: file.readline(),
    "readuntil": lambda file: file.readuntil(LINE[-3:]),
}
ANY_OF_IT = {
    "peek": lambda file: file.peek(),
    "read1": lambda file: file.read1(),
    "readinto1": into("readinto1"),
}


def flushed(a, b):
    """What a flush that gave up has not sent the next one sends, and nothing else."""
    file, data = net.Stream(limited(a)), MUCH[:50_000]
    file.write(data)
    first = Call(file.flush, end, a)
    a.settimeout(RESCUE)
    reader = Reader(b)
    again, _ = outcome(file.flush)
    with contextlib.suppress(OSError):  # it was rescued
        a.shutdown(net.SHUT_WR)
    reader.join()
    return first.result, first.gave_up() and again == "ok" and reader.got == data


def streams():
    for what, there, ways in (
        ("nothing there", 0, ALL_OF_IT | ANY_OF_IT),
        ("half there", HALF, ALL_OF_IT),
    ):
        for name, read in ways.items():
            start(PART, what, "Stream", name)
            with stream(net) as (a, b):
                file = net.Stream(limited(b))
                result, whole = called_again(functools.partial(read, file), there, a, b)
            finish(result=result, whole=whole)
    start(PART, "small buffers", "Stream", "flush")
    with stream(net, small=True) as (a, b):
        result, whole = flushed(a, b)
    finish(result=result, whole=whole)


def connected(call, hole, sock):
    """Connect in vain; when there is room, there is a connection."""
    first = Call(lambda: call(sock, hole.address, None), hole.close)
    if not first.gave_up():
        return first.result, False
    hole.open()
    sock.settimeout(RESCUE)
    if sock.family == stdlib.AF_UNIX:
        outcome(lambda: call(sock, hole.address, None))
    else:  # its kernel has gone on
        select.select([], [sock], [], RESCUE)
    if not select.select([hole.listener], [], [], RESCUE)[0]:
        return first.result, False
    with hole.listener.accept()[0] as peer:
        return first.result, passes(sock, peer)


def connections():
    start(PART, "accept")
    with listening(None) as listener:
        first = Call(limited(listener).accept, end, listener)
        listener.settimeout(RESCUE)
        whole = first.gave_up() and accepted(listener) == ("ok", True)
    finish(result=first.result, whole=whole)
    for made, family in ((BlackHole, stdlib.AF_INET), (FullBacklog, stdlib.AF_UNIX)):
        for name in ("connect", "connect_ex"):
            start(PART, made.__name__, name)
            with contextlib.closing(made()) as hole, of(family, None) as sock:
                result, whole = connected(CONNECTS[name], hole, limited(sock))
            finish(result=result, whole=whole)


def gives_up():
    receives()
    sends()
    connections()
    if net is not stdlib:
        halves()
        streams()
