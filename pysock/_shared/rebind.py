"""The standard library's own Python functions, with this package's namespace as their globals.

`socket.create_connection` makes a `socket.socket`. It looks the class up in its globals when it is
called, as it does with `getaddrinfo`. With this package as its globals, the same code makes a
`pysock.socket`. It uses a patched `pysock.getaddrinfo`, too, and it has all fixes of this Python.
"""

import sys
from types import FunctionType

from . import PACKAGE


def rebind(function):
    """Return a copy of the standard library's *function* with the package as its globals."""
    namespace = vars(sys.modules[PACKAGE])
    rebound = FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    rebound.__kwdefaults__ = function.__kwdefaults__
    rebound.__qualname__ = function.__qualname__
    rebound.__doc__ = function.__doc__
    rebound.__module__ = PACKAGE
    return rebound
