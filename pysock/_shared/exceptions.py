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
