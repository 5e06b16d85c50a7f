"""`socket.makefile`, which makes a file of the class that its caller's module has as `SocketIO`."""

from . import original
from .installed import is_replaced
from .rebind import rebind

_standard = original.socket.makefile
_rebound = rebind(_standard)


def makefile(self, mode="r", buffering=None, *, encoding=None, errors=None, newline=None):
    # The standard library's function looks up `SocketIO` in `socket`, the rebound one in pysock.
    make = _standard if is_replaced("SocketIO") else _rebound
    return make(self, mode, buffering, encoding=encoding, errors=errors, newline=newline)


makefile.__doc__ = _standard.__doc__
