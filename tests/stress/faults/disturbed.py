"""Others come in between: signals, peers, threads."""

import os
import socket as stdlib
import struct
import threading

from cell import (
    MODES,
    MUCH,
    Reader,
    alarms,
    break_off,
    datagram_pair,
    drain,
    finish,
    net,
    outcome,
    sent_as_said,
    start,
    stream_pair,
    tcp_pair,
)
from operations import BYTES, DATAGRAM_IN, STREAM_IN, STREAM_OUT


def signals():
    for mode, timeout in MODES.items():
        for kind, pair, table in (
            ("stream", stream_pair, STREAM_IN),
            ("datagram", datagram_pair, DATAGRAM_IN),
        ):
            for name, call in table.items():
                start("storm of signals", kind, name, mode)
                with pair() as (a, b), alarms(lambda *_: None, 0.001, 0.001):
                    b.settimeout(timeout)
                    timer = threading.Timer(0.05, stdlib.socket.send, [a, BYTES])
                    timer.start()
                    result, got = outcome(lambda call=call, b=b: call(b))
                    timer.join()
                    whole = (got or b"") + drain(b)
                finish(result=result, whole=whole == BYTES)
                start("handler that raises", kind, name, mode)
                with pair() as (a, b):
                    b.settimeout(timeout)
                    with alarms(break_off, 0.02):
                        result, got = outcome(lambda call=call, b=b: call(b))
                    stdlib.socket.send(a, BYTES)
                    whole = (got or b"") + drain(b)
                finish(result=result, whole=whole == BYTES)
        for name, call in STREAM_OUT.items():
            for what, handler, first, interval in (
                ("storm of signals", lambda *_: None, 0.001, 0.001),
                ("handler that raises", break_off, 0.01, 0),
            ):
                start(what, "stream out", name, mode)
                with stream_pair() as (a, b):
                    a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
                    a.settimeout(timeout)
                    reader = Reader(b)
                    with alarms(handler, first, interval):
                        result, n = outcome(lambda call=call, a=a: call(a, MUCH))
                    a.shutdown(net.SHUT_WR)
                    reader.join()
                # A send that a signal breaks off says how much went out, not that it is over.
                right = sent_as_said(result, n, MUCH, bytes(reader.got))
                finish(result=result, whole=right, racy=what == "handler that raises")


def peers():
    reset = struct.pack("ii", 1, 0)
    for mode, timeout in MODES.items():
        for name, call in STREAM_IN.items():
            start("half close", name, mode)
            with tcp_pair() as (a, b):
                a.shutdown(net.SHUT_WR)
                b.settimeout(timeout)
                result, got = outcome(lambda call=call, b=b: call(b))
            finish(result=result, whole=not got)
            start("reset", "in", name, mode)
            with tcp_pair() as (a, b):
                a.setsockopt(net.SOL_SOCKET, net.SO_LINGER, reset)
                a.close()
                b.settimeout(timeout)
                result, got = outcome(lambda call=call, b=b: call(b))
            finish(result=result, whole=not got)
        for name, call in STREAM_OUT.items():
            start("reset", "out", name, mode)
            with tcp_pair() as (a, b):
                b.setsockopt(net.SOL_SOCKET, net.SO_LINGER, reset)
                b.close()
                a.settimeout(timeout)
                result, _ = outcome(lambda call=call, a=a: call(a, MUCH))
            finish(result=result)
            start("closed by the peer", name, mode)
            with stream_pair() as (a, b):
                b.close()
                a.settimeout(timeout)
                result, _ = outcome(lambda call=call, a=a: call(a, BYTES))
            finish(result=result)


def other_threads():
    for name, call in STREAM_IN.items():
        if "file" in name:
            continue  # a file keeps its socket open
        start("closed by another thread", name)
        with stream_pair() as (a, b):
            b.settimeout(0.2)
            closer = threading.Timer(0.03, b.close)
            closer.start()
            result, _ = outcome(lambda call=call, b=b: call(b))
            closer.join()
        finish(result=result)
        start("descriptor reused by another thread", name)
        with stream_pair() as (a, b), stream_pair() as (c, d):
            b.settimeout(0.2)
            c.sendall(BYTES)
            fd = b.fileno()

            def reuse(b=b, d=d, fd=fd):
                b.close()
                os.dup2(d.fileno(), fd)

            thief = threading.Timer(0.03, reuse)
            thief.start()
            result, _ = outcome(lambda call=call, b=b: call(b))
            thief.join()
            os.close(fd)
            whole = drain(d) == BYTES
        finish(result=result, whole=whole)
