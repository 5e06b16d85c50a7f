"""Argument conversion for Python code, by the rules that C types have on the compiled backend."""

import errno
import io
import os
import sys
from codecs import readbuffer_encode
from operator import index

from . import original
from .exceptions import is_of_signal_handler

_PLAIN = (bytes, bytearray, memoryview)  # memoryview() shows what a simple buffer of them has


def as_size(number):
    """Convert *number* to a Py_ssize_t: it needs `__index__`. OverflowError if out of range."""
    number = int(index(number))
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return number


def as_int(number):
    """Convert *number* to a C int: it needs `__index__`. OverflowError if out of range.

    The texts are the interpreter's own for its arguments of that type.
    """
    number = int(index(number))
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C long")
    if number >= 1 << 31:
        raise OverflowError("signed integer is greater than maximum")
    if number < -(1 << 31):
        raise OverflowError("signed integer is less than minimum")
    return number


def readable_view(data):
    """Return a memoryview of the bytes that `socket.send` sends of *data*. Raises what it raises.

    `send` asks for a simple buffer (PyBUF_SIMPLE), memoryview() for its format and shape, too. They
    can differ: numpy's datetime64 has no format, and a class may answer to each what it likes.
    """
    if type(data) not in _PLAIN:
        b"".removeprefix(data)  # it asks for a simple buffer, keeps its exception, copies nothing
    try:
        with memoryview(data) as view:
            if view.c_contiguous:
                return _as_bytes(view)
    except MemoryError:
        raise
    except Exception as error:
        if is_of_signal_handler(error):
            raise
    return memoryview(readbuffer_encode(data)[0])  # a copy; or BufferError, if it is strided


def writable_view(buffer, method):
    """Return a memoryview, for a `with`, of the bytes that `socket.recv_into` fills in *buffer*.

    Raises TypeError with *method*'s name for whatever *buffer* raises, as `recv_into` does.
    MemoryError, what is no Exception, and what a signal handler raises are raised as they are.
    """
    try:
        return _writable_view(buffer)
    except MemoryError:
        raise
    except Exception as error:
        if is_of_signal_handler(error):
            raise
        raise not_writable(buffer, method) from None


def _writable_view(buffer):
    if type(buffer) not in _PLAIN:
        try:  # it asks for a simple writable buffer, and keeps its exception, as BytesIO would not
            os.readv(-1, (buffer,))
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
    try:
        with memoryview(buffer) as view:
            if view.c_contiguous and not view.readonly:
                return _as_bytes(view)
    except MemoryError:
        raise
    except Exception as error:
        if type(buffer) in _PLAIN or is_of_signal_handler(error):
            raise
    if type(buffer) in _PLAIN:
        raise BufferError("not writable and C-contiguous")
    return _WrittenBack(buffer)


class _WrittenBack:
    """The bytes of a writable *buffer* that memoryview() does not show: a copy, for a `with`.

    At its end they are written to the buffer.
    """

    def __init__(self, buffer):
        self._buffer = buffer
        self._bytes = bytearray(readbuffer_encode(buffer)[0])

    def __enter__(self):
        return memoryview(self._bytes)

    def __exit__(self, *_):
        io.BytesIO(self._bytes).readinto(self._buffer)


def not_writable(buffer, method):
    """Return the exception for a *buffer* that *method* cannot write into."""
    name = type(buffer).__name__
    return TypeError(f"{method}() argument must be read-write bytes-like object, not {name}")


def _as_bytes(view):
    # cast() rejects a shape with a 0.
    return view.cast("B") if view.nbytes else memoryview(bytearray())


def is_socket(thing):
    """Whether *thing* is an instance of `_socket.socket`, whatever its `__class__` says."""
    return issubclass(type(thing), original.socket.__base__)


def check_socket(sock):
    """Raise TypeError unless *sock* is an instance of `_socket.socket`."""
    if not is_socket(sock):
        raise TypeError(f"a socket is needed, not {type(sock).__name__}")
