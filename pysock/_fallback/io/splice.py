"""splice over the standard library: the same, by reading and writing."""

import contextlib
import errno
import operator
import os
import select
import socket as _stdlib
import stat
import time

from ..._shared import original
from ..._shared.arguments import as_int
from ..._shared.deadline import Deadline
from ..._shared.progress import set_progress

_ROOM = 64 << 10
_PIPE_BUF = select.PIPE_BUF  # so much a pipe takes that poll() calls ready


class _End:
    """One of the two descriptors, read from and written to without waiting."""

    def __init__(self, thing, stack):
        if not isinstance(thing, int) and not hasattr(thing, "fileno"):
            raise TypeError("argument must be an int, or have a fileno() method.")
        if getattr(thing, "_sslobj", None) is not None:
            raise ValueError(f"splice not allowed on instances of {type(thing).__name__}")
        self._thing = thing
        mode = os.fstat(self.fileno()).st_mode
        self._most = _ROOM if stat.S_ISREG(mode) else _PIPE_BUF
        self._blocking = None  # a socket that needs MSG_DONTWAIT, which os.read() does not have
        if stat.S_ISSOCK(mode):
            blocks = os.get_blocking(self.fileno())
            if not isinstance(thing, original.socket):
                thing = stack.enter_context(original.socket(fileno=os.dup(self.fileno())))
                thing.settimeout(None if blocks else 0)  # as it is, whatever the default is
            if thing.type != _stdlib.SOCK_STREAM:
                raise ValueError("only SOCK_STREAM type sockets are supported")
            self._most = _ROOM
            self._blocking = thing if blocks else None

    def fileno(self):
        """The number of the descriptor now: somebody may have closed it meanwhile."""
        fd = as_int(self._thing if isinstance(self._thing, int) else self._thing.fileno())
        if fd < 0 and not isinstance(self._thing, original.socket):
            raise ValueError(f"file descriptor cannot be a negative integer ({fd})")
        if fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return fd

    def read(self, room):
        """An iterator over one piece of at most *room* bytes: not read before it is asked for."""
        if self._blocking is None:
            return map(os.read, (self.fileno(),), (room,))
        return map(original.socket.recv, (self._blocking,), (room,), (_stdlib.MSG_DONTWAIT,))

    def write(self, data):
        """An iterator over the number of bytes of *data* that are written."""
        data = data[: self._most]
        if self._blocking is None:
            return map(os.write, (self.fileno(),), (data,))
        return map(original.socket.send, (self._blocking,), (data,), (_stdlib.MSG_DONTWAIT,))


@contextlib.contextmanager
def _false_alarm():
    """poll() called ready what is not: another reader was faster, or it has an error that stays."""
    try:
        yield
    except BlockingIOError:
        time.sleep(0.001)


def splice(src, dst, count=None, timeout=None):
    """Move bytes from *src* to *dst*; return their number.

    *src* and *dst* are sockets, files, pipes, anything with a `fileno()`, or plain descriptors. To
    the end of *src*, or *count* bytes. *timeout* in seconds is for the whole call; None is without
    end. The mode the descriptors are in does not matter.

    Whatever exception ends it has two attributes: *bytes_moved*, the number of bytes that reached
    *dst*, and *pending*, the bytes that were taken from *src* and did not. TimeoutError when the
    timeout is over, ValueError for a negative number, for a socket that is no stream, and for one
    that speaks TLS; OSError.
    """
    if count is not None:
        count = operator.index(count)
        if count < 0:
            raise ValueError("count must not be negative")
    deadline = Deadline(None, None if timeout is ... else timeout)
    with contextlib.ExitStack() as stack:
        source, target = _End(src, stack), _End(dst, stack)
        # What reached dst; the piece taken last, and how much of it each write took. Both lists are
        # filled by C code: a signal's handler that raises finds every byte accounted for.
        moved, taken, given = 0, [], []

        def move():  # by itself, for the reason that _fallback_whole.py has
            nonlocal moved, taken, given
            while count is None or moved < count:
                room = _ROOM if count is None else min(_ROOM, count - moved)
                if moved and deadline.left() == 0:
                    raise TimeoutError("timed out")
                deadline.wait(source.fileno(), select.POLLIN)
                with _false_alarm():
                    taken.extend(source.read(room))
                if taken == [b""]:
                    break
                while sum(given) < sum(map(len, taken)):
                    deadline.wait(target.fileno(), select.POLLOUT)
                    with _false_alarm():
                        given.extend(target.write(memoryview(taken[0])[sum(given) :]))
                moved, taken, given = moved + sum(given), [], []

        try:
            move()
            return moved
        except BaseException as error:
            set_progress(error, "bytes_moved", moved + sum(given))
            set_progress(error, "pending", b"".join(taken)[sum(given) :])
            raise
