"""Pickling for multiprocessing, which can send a socket to another process.

multiprocessing's pickler knows the standard library's class only. So a socket is reduced to an
object of that class with the same descriptor. multiprocessing's pickler sends that object; any
other pickler raises TypeError for it. Nothing is registered, and multiprocessing need not be
imported.
"""

import sys

from . import PACKAGE, original


class _StandardSocket:
    """A socket of the standard library's class on the same descriptor, until it is pickled."""

    def __init__(self, sock):
        self.sock = original.socket(sock.family, sock.type, sock.proto, fileno=sock.fileno())

    def __reduce__(self):
        return str, ()  # unpickled as an empty string: the other process needs no such object

    def __del__(self):
        self.sock.detach()


def reduce_ex(self, protocol):
    """Reduce a socket for `multiprocessing`. `pickle` and `copy` raise TypeError, as before."""
    if type(self) is not sys.modules[PACKAGE].socket or "multiprocessing" not in sys.modules:
        return original.socket.__reduce_ex__(self, protocol)
    standard = _StandardSocket(self)
    return _rebuild, (standard.sock, standard)


def _rebuild(sock, standard):
    if isinstance(standard, _StandardSocket):  # copy.copy() calls this in the same process
        raise TypeError(f"cannot pickle {original.socket.__name__!r} object")
    return sys.modules[PACKAGE].socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
