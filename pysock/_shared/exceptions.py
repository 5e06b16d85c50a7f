"""Exceptions that the standard library's socket does not have. They are named as in asyncio."""

from . import PACKAGE


class IncompleteReadError(EOFError):
    """The stream ended before the requested bytes were received.

    *partial* has the received bytes. *expected* is the number of requested bytes, or None if the
    request was not for a number of bytes. Compare `asyncio.IncompleteReadError`.
    """

    __module__ = PACKAGE

    def __init__(self, partial, expected):
        undefined = "undefined" if expected is None else repr(expected)
        super().__init__(f"{len(partial)} bytes read on a total of {undefined} expected bytes")
        self.partial = partial
        self.expected = expected

    def __reduce__(self):
        return type(self), (self.partial, self.expected)


class LimitOverrunError(Exception):
    """A separator was not found within the limit. All bytes are still unread.

    *consumed* is the number of bytes that can be read before the separator can start. Compare
    `asyncio.LimitOverrunError`.
    """

    __module__ = PACKAGE

    def __init__(self, message, consumed):
        super().__init__(message)
        self.consumed = consumed

    def __reduce__(self):
        return type(self), (self.args[0], self.consumed)


def is_of_signal_handler(error):
    """Whether a signal handler raised *error*: the handler may run between any two bytecodes.

    Code that turns an exception of its arguments into another one, or goes on without them, asks
    this first. A handler's exception belongs to the caller. The interpreter calls a handler with
    the frame that it interrupted. So the traceback has two frames, the second of which got the
    first one as an argument. A handler that is a C function has no frame and is not recognized.
    """
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        called = entry.tb_next.tb_frame
        code = called.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + 1]  # and *args
        for value in map(called.f_locals.get, names):
            if value is entry.tb_frame or (type(value) is tuple and entry.tb_frame in value):
                return True
        entry = entry.tb_next
    return False
