"""The standard library's own Python functions, with this package's names as their globals.

`socket.create_connection` makes a `socket.socket`: it looks the class up in its module when it is
called, as it does `getaddrinfo`. Bound to this package, the same code makes a `pysock.socket`,
follows whoever patches `pysock.getaddrinfo`, and stays the interpreter's own, fixes included.
"""

import sys
from types import FunctionType

from . import PACKAGE


def rebind(function):
    """Return the standard library's *function* with the package's namespace for its globals."""
    namespace = vars(sys.modules[PACKAGE])
    rebound = FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__
    )
    rebound.__kwdefaults__ = function.__kwdefaults__
    rebound.__qualname__ = function.__qualname__
    rebound.__doc__ = function.__doc__
    rebound.__module__ = PACKAGE
    return rebound
