"""multiprocessing can send a `pysock.socket` to another process. Plain pickle refuses to.

multiprocessing's pickler knows the standard library's class and no other. So a socket is reduced to
one of that class with the same descriptor, which that pickler sends and every other one refuses.
Nothing is registered anywhere, and multiprocessing need not be imported.
"""

import sys

from . import PACKAGE, original


class _Lent:
    """Lends a descriptor to a socket of the standard library's class, until it is pickled."""

    def __init__(self, sock):
        self.sock = original.socket(sock.family, sock.type, sock.proto, fileno=sock.fileno())

    def __reduce__(self):
        return str, ()  # in its place: nothing

    def __del__(self):
        self.sock.detach()


def reduce_ex(self, protocol):
    """Reduce a socket for `multiprocessing`; TypeError for `pickle` and `copy`, as in `socket`."""
    if type(self) is not sys.modules[PACKAGE].socket or "multiprocessing" not in sys.modules:
        return original.socket.__reduce_ex__(self, protocol)
    lent = _Lent(self)
    return _rebuild, (lent.sock, lent)


def _rebuild(sock, lent):
    if isinstance(lent, _Lent):  # copy.copy() calls this, and there is no other process
        raise TypeError(f"cannot pickle {original.socket.__name__!r} object")
    return sys.modules[PACKAGE].socket(sock.family, sock.type, sock.proto, fileno=sock.detach())
