"""Argument conversion for Python code, by the rules that C types have on the compiled backend."""

import sys
from operator import index

from . import original


def as_size(number):
    """Convert *number* to a Py_ssize_t: it needs `__index__`. OverflowError if out of range."""
    number = int(index(number))
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return number


def as_int(number):
    """Convert *number* to a C int: it needs `__index__`. OverflowError if out of range."""
    number = int(index(number))
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError("signed integer is out of the range of a C int")
    return number


def readable_view(data):
    """Return a memoryview of bytes on a bytes-like object."""
    with memoryview(data) as view:
        if not view.c_contiguous:  # send() raises BufferError; cast() would raise TypeError
            raise BufferError("memoryview: underlying buffer is not C-contiguous")
        return _as_bytes(view)


def writable_view(buffer, method):
    """Return a memoryview of bytes on a writable *buffer*; TypeError with *method*'s name else."""
    try:
        with memoryview(buffer) as view:
            if view.c_contiguous and not view.readonly:
                return _as_bytes(view)
    except Exception:  # CPython replaces any exception here, too
        pass
    raise not_writable(buffer, method)


def not_writable(buffer, method):
    """Return the exception for a *buffer* that *method* cannot write into."""
    name = type(buffer).__name__
    return TypeError(f"{method}() argument must be read-write bytes-like object, not {name}")


def _as_bytes(view):
    # cast() rejects a shape with a 0.
    return view.cast("B") if view.nbytes else memoryview(bytearray())


def check_socket(sock):
    """Raise TypeError unless *sock* is an instance of `_socket.socket`."""
    if not isinstance(sock, original.socket.__base__):
        raise TypeError(f"a socket is needed, not {type(sock).__name__}")
