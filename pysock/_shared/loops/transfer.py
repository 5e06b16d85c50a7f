"""Whole transfers as loops over the standard library.

The fallback's own methods, and what the C backend hands a call to that it does not know completely:
another family, or a class whose own `recv` or `send` does more (TLS, for one).

Each loop is a function of its own, called inside the `try`: CPython 3.13 leaves a loop's jump back
out of the `try` around it, and a signal's handler may raise there.
"""

import errno
import operator
import os
import select
import socket as _stdlib
import sys
from contextlib import suppress

from .. import PACKAGE, original
from ..arguments import as_size, memory_of, memory_to_fill
from ..deadline import NOT_GIVEN, Deadline
from ..exceptions import IncompleteReadError
from ..progress import record, set_progress
from .overridden import RECORD_MOST, call, own_timeout


def _check_stream(sock, call):
    if sock.type != _stdlib.SOCK_STREAM:
        raise OSError(errno.EOPNOTSUPP, f"{call} is for stream sockets, not for {sock.type!r}")


def _check_time(until):
    """Raise TimeoutError if a call came short and the time is up."""
    if until.left() == 0 and not until.never_waits:
        raise TimeoutError("timed out")


def _method(sock, name):
    """The method *name* for *sock*, and whether it is a class's own, which may do more."""
    cls = next(cls for cls in type(sock).__mro__ if name in vars(cls))
    if cls.__module__ == PACKAGE or cls in original.socket.__mro__:
        return getattr(original.socket, name), False
    return getattr(type(sock), name), True


def _deadline(sock, own, timeout, deadline):
    if own and timeout is NOT_GIVEN and deadline is None:
        timeout = own_timeout(sock)
    return Deadline(sock, timeout, deadline)


def _move(sock, until, events, own, by_method, by_descriptor):
    """Move what one call can move, as soon as *until* lets it."""
    fd = sock.fileno()
    left = until.left()
    timeout = sock.gettimeout()
    as_it_is = until.never_waits or fd < 0 or (left is None and timeout is None)
    if own:
        call(sock, ... if as_it_is else left, events, by_method)
    elif as_it_is:
        by_method()
    else:
        until.wait(fd, events)
        with suppress(BlockingIOError):  # somebody else was faster
            if timeout:  # then the method would wait for so long; the descriptor never waits
                by_descriptor()
            else:
                by_method(_stdlib.MSG_DONTWAIT)


# Receiving


def recv_exactly(self, n, /, *, timeout=NOT_GIVEN, deadline=None):
    """Receive *n* bytes, all of them; IncompleteReadError where the stream ends before.

    *timeout* in seconds (None: without end) or *deadline*, a `time.monotonic()`, is for the whole
    call; without either it is the socket's timeout. An exception has `partial`, the bytes that came
    before it. Raises TimeoutError, BlockingIOError, OSError (EOPNOTSUPP where the socket is no
    stream), ValueError for a negative *n*.
    """
    n = as_size(n)
    if n < 0:
        raise ValueError("negative buffersize in recv_exactly")
    _check_stream(self, "recv_exactly")
    recv, own = _method(self, "recv")
    until = _deadline(self, own, timeout, deadline)
    if n == 0:
        return b""
    pieces = []
    left = n

    def by_method(*flags):
        record(pieces, recv, self, left, *flags)

    def by_descriptor():
        record(pieces, os.read, self.fileno(), left)

    def receive():
        nonlocal left
        while left > 0:
            seen = len(pieces)
            _move(self, until, select.POLLIN, own, by_method, by_descriptor)
            if len(pieces) == seen:
                continue
            left -= len(pieces[-1])
            if not pieces[-1]:
                raise IncompleteReadError(b"".join(pieces), n)
            if left > 0:
                _check_time(until)

    try:
        receive()
        return b"".join(pieces)
    except BaseException as error:
        set_progress(error, "partial", b"".join(pieces))
        raise


def recv_exactly_into(self, buffer, /, *, timeout=NOT_GIVEN, deadline=None):
    """Fill a writable *buffer*; return how many bytes that were.

    As `recv_exactly`. An exception has `bytes_received`: so much of the buffer is filled.
    """
    _check_stream(self, "recv_exactly_into")
    recv_into, own = _method(self, "recv_into")
    until = _deadline(self, own, timeout, deadline)
    counts = []
    done = 0
    room = None

    def by_method(*flags):
        record(counts, recv_into, self, room, 0, *flags)

    def by_descriptor():
        record(counts, os.readv, self.fileno(), [room])

    def receive(whole):
        nonlocal done, room
        while done < len(whole):
            seen = len(counts)
            with whole[done:] as room:
                _move(self, until, select.POLLIN, own, by_method, by_descriptor)
            if len(counts) == seen:
                continue
            done += counts[-1]
            if counts[-1] == 0:
                raise IncompleteReadError(bytes(whole[:done]), len(whole))
            if done < len(whole):
                _check_time(until)

    try:
        with memory_to_fill(buffer, "recv_exactly_into") as whole:
            receive(whole)
    except BaseException as error:
        set_progress(error, "bytes_received", sum(counts))
        raise
    return done


# Sending


def sendall(self, data, flags=0, /):
    """Send all of *data*. The socket's timeout is for the whole call.

    An exception has `bytes_sent`: how many bytes of *data* the kernel took. Raises what `send`
    raises.
    """
    flags = operator.index(flags)
    until = Deadline(self)
    sent = []
    try:
        whole = memoryview(data).cast("B")
    except TypeError:
        return original.socket.sendall(self, data, flags)  # which says what is wrong with it

    def send():
        at = 0
        while True:
            with whole[at:] as piece:
                record(sent, original.socket.send, self, piece, flags)
            at += sent[-1]
            if at == len(whole):
                return
            _check_time(until)
            if until.left() and self.fileno() >= 0:
                until.wait(self.fileno(), select.POLLOUT)

    try:
        with whole:
            send()
    except BaseException as error:
        set_progress(error, "bytes_sent", sum(sent))
        raise


def _join(buffers):
    """All bytes of *buffers*; nothing of it is held after."""
    buffers = tuple(buffers)
    try:
        return b"".join(buffers)
    except TypeError:
        for item in buffers:
            memory_of(item).release()  # which says what is wrong with it
        raise


def sendmsg_all(self, buffers, /, *, timeout=NOT_GIVEN, deadline=None):
    """Send the bytes of many *buffers*, all of them, as if they were one.

    *timeout* in seconds (None: without end) or *deadline*, a `time.monotonic()`, is for the whole
    call; without either it is the socket's timeout. An exception has `bytes_sent`: how many bytes
    of all the buffers the kernel took. Raises TimeoutError, BlockingIOError, OSError (EOPNOTSUPP
    where the socket is no stream). Audit event `socket.sendmsg`, once.
    """
    _check_stream(self, "sendmsg_all")
    send, own = _method(self, "send")
    until = _deadline(self, own, timeout, deadline)
    sys.audit("socket.sendmsg", self, None)
    whole = memoryview(_join(buffers))
    sent = []
    at = 0

    def by_method(*flags):
        end = at + RECORD_MOST if own else None
        record(sent, send, self, whole[at:end], *flags)

    def by_descriptor():
        record(sent, os.write, self.fileno(), whole[at:])

    def send_all():
        nonlocal at
        while at < len(whole):
            seen = len(sent)
            _move(self, until, select.POLLOUT, own, by_method, by_descriptor)
            if len(sent) == seen:
                continue
            at += sent[-1]
            if at < len(whole):
                _check_time(until)

    try:
        send_all()
    except BaseException as error:
        set_progress(error, "bytes_sent", sum(sent))
        raise
