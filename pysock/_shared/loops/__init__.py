"""Loops over the standard library's calls.

They are the fallback's own methods. The compiled backend calls them for a socket that it does not
know completely: another family, or a class with a `recv` or `send` of its own (TLS, for one). That
is rare, so a module of this package is imported when it is first asked for.
"""

import sys

_MODULES = ("datagrams", "overridden", "transfer", "unix")


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    __import__(f"{__name__}.{name}")
    return sys.modules[f"{__name__}.{name}"]
