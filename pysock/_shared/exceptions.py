"""Exceptions that the standard library's socket does not have; both are named as in asyncio."""

from . import PACKAGE


class IncompleteReadError(EOFError):
    """The stream ended before all that was asked for had come.

    *partial* is what came, as bytes, and *expected* the number of bytes asked for, or None where
    that was not a number. As `asyncio.IncompleteReadError`.
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
    """A separator was not found within the limit; every byte is still there to be read.

    *consumed* is the number of bytes that can be read away before the separator can come. As
    `asyncio.LimitOverrunError`.
    """

    __module__ = PACKAGE

    def __init__(self, message, consumed):
        super().__init__(message)
        self.consumed = consumed

    def __reduce__(self):
        return type(self), (self.args[0], self.consumed)
