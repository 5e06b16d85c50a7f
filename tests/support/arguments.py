"""Arguments of every kind, with what comes of them, and how to ask a call about them.

Where the standard library has something alike (sizes, buffers, files) what it does is what is
expected.
"""

import array
import ctypes
import io
import socket
import sys

MOST, LEAST = sys.maxsize, -sys.maxsize - 1  # what a Py_ssize_t holds
BELOW, ABOVE = LEAST - 1, MOST + 1
PIECES = memoryview(bytearray(9))[::2]


class Boom(Exception):
    """Of an argument: its own, not the library's."""


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        if isinstance(self.value, type):
            raise self.value
        return self.value


class Lines:
    def __iter__(self):
        yield b"x"
        raise Boom


class Structure(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int32)]


# A size, wherever one is asked for: what `socket.recv` and `io` say to it.
SIZES = [
    ("x", TypeError), (b"x", TypeError), (None, TypeError), (..., TypeError), ([], TypeError),
    (1.0, TypeError), (float("nan"), TypeError), (float("inf"), TypeError), (1j, TypeError),
    (ABOVE, OverflowError), (BELOW, OverflowError), (2**64, OverflowError),
    (-(2**70), OverflowError), (Index(2**70), OverflowError), (Index("x"), TypeError),
    (Index(Boom), Boom),
]  # fmt: skip
# A number that has to fit a C int: flags, and what is in a control message.
INTS = [
    *[(number, error) for number, error in SIZES if number is not None],
    (2**31, OverflowError), (-(2**31) - 1, OverflowError), (2**63 - 1, OverflowError),
]  # fmt: skip
# Bytes to be sent: what `socket.send` and `io.BufferedWriter.write` say.
UNREADABLE = [
    ("x", TypeError), (None, TypeError), (1, TypeError), (object(), TypeError), ([b"x"], TypeError),
    (PIECES, BufferError), (PIECES.toreadonly(), BufferError), (PIECES[::-1], BufferError),
]  # fmt: skip
READABLE = [
    (b"", 0), (bytearray(b"xyz"), 3), (memoryview(b"xyz"), 3), (array.array("i", [1, 2]), 8),
    (array.array("d"), 0), (memoryview(bytes(8)).cast("B", (2, 4)), 8), (Structure(), 4),
    ((ctypes.c_int32 * 3)(), 12), ((ctypes.c_int32 * 0 * 2)(), 0), (PIECES[:1], 1),
]  # fmt: skip
# Memory to be filled: what `socket.recv_into` and `io.BufferedReader.readinto` say.
RELEASED = memoryview(bytearray(1))
RELEASED.release()
UNWRITABLE = [
    ("x", TypeError), (None, TypeError), (1, TypeError), (object(), TypeError), ([], TypeError),
    (b"x", TypeError), (b"", TypeError), (memoryview(b"x"), TypeError), (PIECES, TypeError),
    (PIECES[::-1], TypeError), (RELEASED, TypeError),
]  # fmt: skip
WRITABLE = [
    (bytearray(3), 3), (bytearray(), 0), (array.array("i", [1, 2]), 8), (array.array("d"), 0),
    (memoryview(bytearray(8)).cast("B", (2, 4)), 8), (Structure(), 4), ((ctypes.c_int32 * 2)(), 8),
    ((ctypes.c_int32 * 0 * 2)(), 0), (PIECES[:1], 1),
]  # fmt: skip
NO_SOCKETS = [
    (None, TypeError), (3, TypeError), ("x", TypeError), (object(), TypeError), (socket, TypeError),
    (socket.socket, TypeError), (io.BytesIO(), TypeError),
]  # fmt: skip
SECONDS = [
    ("1", TypeError), (b"1", TypeError), ([], TypeError), (1j, TypeError), (object(), TypeError),
    (float("nan"), ValueError),
]  # fmt: skip


def outcome(call, *args, **kwargs):
    """What a call returns, or the class of its exception."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error)


def check(call, *tables):
    """*call* of each value in the *tables*, which say what comes of it."""
    wrong = {}
    for value, expected in [row for table in tables for row in table]:
        got = outcome(call, value)
        if got != expected or type(got) is not type(expected):
            wrong[repr(value)] = got, expected
    assert not wrong
