"""The system does not do what it is asked: calls fail, take less, or tell another time."""

import array
import contextlib
import ctypes
import errno
import os
import resource
import socket as stdlib
import time
from functools import partial

from cell import (
    MODES,
    MUCH,
    Reader,
    datagram_pair,
    drain,
    finish,
    net,
    outcome,
    sent_as_said,
    shim,
    start,
    stream_pair,
)
from operations import (
    BYTES,
    DATAGRAM_IN,
    DATAGRAM_OUT,
    STREAM_IN,
    STREAM_OUT,
    open_descriptors,
)

ERRORS = [
    errno.EINTR,
    errno.EAGAIN,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EIO,
    errno.EPERM,
    errno.ECONNRESET,
    errno.EPIPE,
]


def failing_calls():
    for mode, timeout in MODES.items():
        for error in ERRORS:
            for at in (1, 2, 3):
                cell = [mode, errno.errorcode[error], at]
                for kind, pair, table in (
                    ("stream", stream_pair, STREAM_IN),
                    ("datagram", datagram_pair, DATAGRAM_IN),
                ):
                    for name, call in table.items():
                        start("failing call", kind, name, *cell)
                        with pair() as (a, b):
                            stdlib.socket.send(a, BYTES)
                            b.settimeout(timeout)
                            shim.shim_fail(b"recv", error, at, 1)
                            result, got = outcome(lambda call=call, b=b: call(b))
                            shim.shim_clear()
                            whole = (got or b"") + drain(b)
                        finish(result=result, whole=whole == BYTES)
                for kind, pair, table in (
                    ("stream", stream_pair, STREAM_OUT),
                    ("datagram", datagram_pair, DATAGRAM_OUT),
                ):
                    for name, call in table.items():
                        start("failing call", kind, name, *cell)
                        with pair() as (a, b):
                            a.settimeout(timeout)
                            shim.shim_fail(b"send", error, at, 1)
                            result, n = outcome(lambda call=call, a=a: call(a, BYTES))
                            shim.shim_clear()
                            if name == "sendmmsg" and n is not None:
                                n *= len(BYTES)
                            got = drain(b)
                        finish(result=result, whole=sent_as_said(result, n, BYTES, got))


MAKERS = {
    "socket": lambda: net.socket().close(),
    "socketpair": lambda: [sock.close() for sock in net.socketpair()],
    "accept": lambda: accept_one(),
    "create_connection": lambda: connect_one(),
}
if net is not stdlib:
    MAKERS["create_connection, race"] = lambda: connect_one(happy_eyeballs_delay=0)
    MAKERS["create_connection, deadline"] = lambda: connect_one(total_timeout=5)
    MAKERS["reuse_port_listeners"] = lambda: listen_twice()


def accept_one(before=lambda: None):
    with net.create_server(("127.0.0.1", 0)) as listener:
        with stdlib.create_connection(listener.getsockname()):
            listener.settimeout(5)
            before()
            sock, _ = listener.accept()
            sock.close()


def connect_one(**how):
    with stdlib.create_server(("127.0.0.1", 0)) as listener:
        net.create_connection(listener.getsockname(), 5, **how).close()


def listen_twice():
    for listener in net.reuse_port_listeners(("127.0.0.1", 0), 2):
        listener.close()


def failing_makers():
    for group in ("make", "connect", "other", "wait"):
        for name, call in MAKERS.items():
            for error in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINTR):
                for at in (1, 2, 3):
                    start("failing maker", group, name, errno.errorcode[error], at)
                    shim.shim_fail(group.encode(), error, at, 1)
                    result, _ = outcome(call)
                    shim.shim_clear()
                    finish(result=result)


@contextlib.contextmanager
def descriptors_left(free):
    """No more than *free* descriptors can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_descriptors() + 20, hard))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(free):
            os.close(taken.pop())
        yield
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def limited(call, free):
    with descriptors_left(free):
        return call()


def no_more_descriptors():
    for free in (0, 1, 2):
        for name, call in MAKERS.items():
            start("no more descriptors", name, free)
            result, _ = outcome(partial(limited, call, free + 2 * (name == "accept")))
            finish(result=result)
    arriving_descriptors()


def arriving_descriptors():
    """More descriptors come with a message than can be opened: none is lost, its bytes are told."""
    room = stdlib.CMSG_SPACE(4 * 3)
    rights = [(stdlib.SOL_SOCKET, stdlib.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    calls = {"recvmsg": lambda s: s.recvmsg(100, room), "recv": lambda s: s.recv(100)}
    calls["recvmsg_into"] = lambda s: s.recvmsg_into([bytearray(100)], room)
    calls["recv_fds, function"] = lambda s: net.recv_fds(s, 100, 3)
    if net is not stdlib:
        calls["recv_fds"] = lambda s: s.recv_fds(100, 3)
    for free in (0, 1, 2, 3):
        for name, call in calls.items():
            start("no more descriptors", "arriving", name, free)
            with stream_pair() as (a, b):
                stdlib.socket.sendmsg(a, [BYTES], rights)
                result, came = outcome(partial(limited, partial(call, b), free))
                whole = not drain(b)
                if result == "ok" and name != "recv":
                    fds = came[1]
                    if name.startswith("recvmsg"):
                        fds = [fd for _, _, data in came[1] for fd in array.array("i", data)]
                    for fd in fds:
                        os.close(fd)
                    whole &= len(fds) == free and bool(came[2] & stdlib.MSG_CTRUNC) == (free < 3)
            finish(result=result, whole=whole)


def short_writes():
    for mode, timeout in MODES.items():
        for name, call in STREAM_OUT.items():
            for most in (1, 7, 4096):
                start("short writes", name, mode, most)
                data = MUCH[: most * 10]
                with stream_pair() as (a, b):
                    a.settimeout(timeout)
                    shim.shim_short(ctypes.c_size_t(most))
                    result, n = outcome(lambda call=call, a=a, data=data: call(a, data))
                    shim.shim_clear()
                    got = drain(b)
                finish(result=result, whole=sent_as_said(result, n, data, got))
            for size in (5000, 16_000, len(MUCH)):
                start("small buffer", name, mode, size)
                with stream_pair() as (a, b):
                    a.setsockopt(net.SOL_SOCKET, net.SO_SNDBUF, 4096)
                    a.settimeout(timeout)
                    reader = Reader(b)
                    result, n = outcome(lambda call=call, a=a, size=size: call(a, MUCH[:size]))
                    a.shutdown(net.SHUT_WR)
                    reader.join()
                right = sent_as_said(result, n, MUCH[:size], bytes(reader.got))
                finish(result=result, whole=right)


def clock_that_jumps():
    for name, call in STREAM_IN.items():
        start("clock that jumps", name)
        shim.shim_clock(ctypes.c_long(100_000))
        with stream_pair() as (a, b):
            b.settimeout(0.05)
            begun = time.monotonic()
            result, _ = outcome(lambda call=call, b=b: call(b))
            spent = time.monotonic() - begun
        shim.shim_clock(ctypes.c_long(0))
        finish(result=result, whole=0.05 <= spent < 5)
