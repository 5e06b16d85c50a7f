"""Arguments by the rules of C: what the C backend's types convert and refuse, in the fallback."""

import sys
from operator import index

from . import original


def as_size(number):
    """*number* as a Py_ssize_t: `__index__` counts, a float does not, nor what is too large."""
    number = int(index(number))
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return number


def as_int(number):
    """*number* as a C int."""
    number = int(index(number))
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError("signed integer is out of the range of a C int")
    return number


def memory_of(data):
    """The memory of a bytes-like object, byte by byte."""
    with memoryview(data) as view:
        if not view.c_contiguous:  # send() and write() say BufferError, a cast would say TypeError
            raise BufferError("memoryview: underlying buffer is not C-contiguous")
        return _bytewise(view)


def memory_to_fill(buffer, call):
    """The memory of a writable *buffer*, byte by byte; TypeError, for *call*, if it is none."""
    try:
        with memoryview(buffer) as view:
            if view.c_contiguous and not view.readonly:
                return _bytewise(view)
    except Exception:  # whatever it is, as in CPython
        pass
    raise not_writable(buffer, call)


def not_writable(buffer, call):
    """The exception for a *buffer* that *call* cannot receive into."""
    name = type(buffer).__name__
    return TypeError(f"{call}() argument must be read-write bytes-like object, not {name}")


def _bytewise(view):
    return view.cast("B") if view.nbytes else memoryview(bytearray())  # a shape with 0 is not cast


def must_be_socket(sock):
    """Raise TypeError for anything else, a class included."""
    if not isinstance(sock, original.socket.__base__):
        raise TypeError(f"a socket is needed, not {type(sock).__name__}")
