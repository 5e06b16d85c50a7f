"""Loops over the standard library's calls.

They are the methods of the fallback. The compiled backend calls them for a socket of a family that
it does not handle, or of a class that overrides `recv` or `send` (TLS, for example). That is rare,
so a module of this package is imported at its first use.
"""

import sys

_MODULES = ("datagrams", "overridden", "transfer", "unix")


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    __import__(f"{__name__}.{name}")
    return sys.modules[f"{__name__}.{name}"]
