"""When the GIL is held: never. The standard library releases it for every call."""

from ..._shared.arguments import as_size

_gil_hold = 16384


def set_gil_hold(nbytes, /):
    """Remember *nbytes*: the standard library gives up the GIL for every call, whatever is set."""
    global _gil_hold
    nbytes = as_size(nbytes)
    if nbytes < 0:
        raise ValueError("nbytes must not be negative")
    _gil_hold = nbytes


def get_gil_hold():
    """Return the number of bytes that `set_gil_hold()` set: 16384 unless it was called."""
    return _gil_hold
