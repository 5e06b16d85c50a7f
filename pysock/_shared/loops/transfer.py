"""Whole transfers as loops over the standard library.

They are the methods of the fallback. The compiled backend calls them for a socket of a family that
it does not handle, or of a class that overrides `recv` or `send` (TLS, for example).

Each loop is a function of its own that is called inside the `try`. CPython 3.13 does not cover a
loop's backward jump by a `try` around it, and a signal handler may raise at that jump.
"""

import errno
import os
import select
import socket as _stdlib
import sys

from .. import MAX_TLS_RECORD, PACKAGE, original
from ..arguments import as_int, as_size, is_socket, readable_view, writable_view
from ..deadline import NOT_GIVEN, Deadline
from ..exceptions import IncompleteReadError, is_of_signal_handler
from ..progress import record, set_progress
from .overridden import call, saved_timeout


def _check_stream(sock, call):
    if sock.type != _stdlib.SOCK_STREAM:
        raise OSError(errno.EOPNOTSUPP, f"{call} is for stream sockets, not for {sock.type!r}")


def _check_deadline(until):
    """Raise TimeoutError at the deadline, after a transfer that was not complete."""
    if until.left() == 0 and not until.non_blocking:
        raise TimeoutError("timed out")


def _method(sock, name):
    """Return the method *name* of the class of *sock*, and whether it overrides socket's."""
    cls = next(cls for cls in type(sock).__mro__ if name in vars(cls))
    if cls.__module__ == PACKAGE or cls in original.socket.__mro__:
        return getattr(original.socket, name), False
    return getattr(type(sock), name), True


def _deadline(sock, overridden, timeout, deadline):
    if overridden and timeout is NOT_GIVEN and deadline is None:
        timeout = saved_timeout(sock)
    return Deadline(sock, timeout, deadline)


def _transfer_once(sock, until, events, overridden, by_method, by_descriptor):
    """Make one transfer, and wait for it until the deadline *until*."""
    fd = sock.fileno()
    left = until.left()
    timeout = sock.gettimeout()
    method_waits = until.non_blocking or fd < 0 or (left is None and timeout is None)
    if overridden:
        call(sock, ... if method_waits else left, events, by_method)
    elif method_waits:
        by_method()
    else:
        until.wait(fd, events)
        try:
            if timeout:  # the method would wait that long; a call on the descriptor does not
                by_descriptor()
            else:
                by_method(_stdlib.MSG_DONTWAIT)
        except BlockingIOError:  # another thread was faster
            pass


# Receiving


def recv_exactly(self, n, /, *, timeout=NOT_GIVEN, deadline=None):
    """Receive and return exactly *n* bytes. Raises IncompleteReadError if the stream ends before.

    *timeout* in seconds (None: no limit) or *deadline*, a `time.monotonic()`, is for the whole
    call; without either, the socket's timeout is. Any exception has `partial`, the bytes that were
    received before it. Raises TimeoutError, BlockingIOError, OSError (EOPNOTSUPP if the socket is
    not a stream), ValueError for a negative *n*.
    """
    n = as_size(n)
    if n < 0:
        raise ValueError("negative buffersize in recv_exactly")
    _check_stream(self, "recv_exactly")
    recv, overridden = _method(self, "recv")
    until = _deadline(self, overridden, timeout, deadline)
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
            _transfer_once(self, until, select.POLLIN, overridden, by_method, by_descriptor)
            if len(pieces) == seen:
                continue
            left -= len(pieces[-1])
            if not pieces[-1]:
                raise IncompleteReadError(b"".join(pieces), n)
            if left > 0:
                _check_deadline(until)

    try:
        receive()
        return b"".join(pieces)
    except BaseException as error:
        set_progress(error, "partial", b"".join(pieces))
        raise


def recv_exactly_into(self, buffer, /, *, timeout=NOT_GIVEN, deadline=None):
    """Receive into a writable *buffer* until it is full; return the number of bytes.

    Arguments and exceptions are those of `recv_exactly`. Any exception has `bytes_received`, the
    number of bytes that were received into the buffer before it.
    """
    _check_stream(self, "recv_exactly_into")
    recv_into, overridden = _method(self, "recv_into")
    until = _deadline(self, overridden, timeout, deadline)
    counts = []
    received = 0
    rest = None

    def by_method(*flags):
        record(counts, recv_into, self, rest, 0, *flags)

    def by_descriptor():
        record(counts, os.readv, self.fileno(), [rest])

    def receive(whole):
        nonlocal received, rest
        while received < len(whole):
            seen = len(counts)
            with whole[received:] as rest:
                _transfer_once(self, until, select.POLLIN, overridden, by_method, by_descriptor)
            if len(counts) == seen:
                continue
            received += counts[-1]
            if counts[-1] == 0:
                raise IncompleteReadError(bytes(whole[:received]), len(whole))
            if received < len(whole):
                _check_deadline(until)

    try:
        with writable_view(buffer, "recv_exactly_into") as whole:
            receive(whole)
    except BaseException as error:
        set_progress(error, "bytes_received", sum(counts))
        raise
    return received


# Sending


def sendall(self, /, *arguments, **names):
    """sendall(data[, flags])

    Send all of *data*. The socket's timeout is for the whole call.

    Any exception has `bytes_sent`, the number of bytes of *data* that the kernel accepted. Raises
    what `send` raises.
    """
    try:
        data, flags = arguments if len(arguments) == 2 else (*arguments, 0)
        flags, whole = as_int(flags), readable_view(data)
    except MemoryError:
        raise
    except Exception as error:
        if is_of_signal_handler(error):
            raise
        whole = None
    if whole is None or names or not is_socket(self):
        return original.socket.sendall(self, *arguments, **names)  # it raises the right error
    until = Deadline(self)
    sent = []

    def send():
        at = 0
        while True:
            with whole[at:] as piece:
                record(sent, original.socket.send, self, piece, flags)
            at += sent[-1]
            if at == len(whole):
                return
            _check_deadline(until)
            if until.left() and self.fileno() >= 0:
                until.wait(self.fileno(), select.POLLOUT)

    try:
        with whole:
            send()
    except BaseException as error:
        set_progress(error, "bytes_sent", sum(sent))
        raise


def _join(buffers):
    """Return the bytes of all *buffers* in one object. No buffer is referenced afterwards."""
    pieces = []
    try:
        for item in tuple(buffers):
            # join() would make a TypeError of whatever an item raises.
            pieces.append(item if type(item) is bytes else readable_view(item))
        return b"".join(pieces)
    finally:
        for piece in pieces:
            if type(piece) is memoryview:
                piece.release()


def sendmsg_all(self, buffers, /, *, timeout=NOT_GIVEN, deadline=None):
    """Send all bytes of many *buffers*, as if they were one buffer.

    *timeout* in seconds (None: no limit) or *deadline*, a `time.monotonic()`, is for the whole
    call; without either, the socket's timeout is. Any exception has `bytes_sent`, the number of
    bytes of all buffers that the kernel accepted. Raises TimeoutError, BlockingIOError, OSError
    (EOPNOTSUPP if the socket is not a stream). Audit event `socket.sendmsg`, once.
    """
    _check_stream(self, "sendmsg_all")
    send, overridden = _method(self, "send")
    until = _deadline(self, overridden, timeout, deadline)
    sys.audit("socket.sendmsg", self, None)
    whole = memoryview(_join(buffers))
    sent = []
    at = 0

    def by_method(*flags):
        end = at + MAX_TLS_RECORD if overridden else None
        record(sent, send, self, whole[at:end], *flags)

    def by_descriptor():
        record(sent, os.write, self.fileno(), whole[at:])

    def send_all():
        nonlocal at
        while at < len(whole):
            seen = len(sent)
            _transfer_once(self, until, select.POLLOUT, overridden, by_method, by_descriptor)
            if len(sent) == seen:
                continue
            at += sent[-1]
            if at < len(whole):
                _check_deadline(until)

    try:
        send_all()
    except BaseException as error:
        set_progress(error, "bytes_sent", sum(sent))
        raise
