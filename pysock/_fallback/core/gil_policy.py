"""The functions of the GIL policy. The standard library releases the GIL for every system call."""

from ..._shared.arguments import as_size

_gil_hold = 16384


def set_gil_hold(nbytes, /):
    """Store *nbytes*, the size up to which a transfer holds the GIL. It has no effect here.

    The standard library releases the GIL for every call. Raises ValueError if *nbytes* is
    negative.
    """
    global _gil_hold
    nbytes = as_size(nbytes)
    if nbytes < 0:
        raise ValueError("nbytes must not be negative")
    _gil_hold = nbytes


def get_gil_hold():
    """Return the number of bytes that `set_gil_hold()` has stored; the default is 16384."""
    return _gil_hold
