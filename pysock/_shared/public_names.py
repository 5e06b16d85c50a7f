"""What is public says that it is this package's, whichever of its modules has made it.

As the standard library's does: `socket.socket` and its methods, not a module behind them. What a
repr, a profile or a pickle says of them is the same on both backends, and can be imported.
"""

from . import PACKAGE


def claim(namespace):
    """Name the functions of *namespace* that are the package's, and its classes' methods."""
    for name, value in namespace.items():
        if not name.startswith("_"):
            _claim(value, name)
            if isinstance(value, type) and value.__module__ == PACKAGE:
                for method, function in vars(value).items():
                    _claim(function, f"{value.__qualname__}.{method}")


def _claim(function, name):
    made_in = getattr(function, "__module__", None) or ""
    if made_in.startswith(f"{PACKAGE}.") and hasattr(function, "__qualname__"):
        function.__module__ = PACKAGE
        function.__name__ = name.rpartition(".")[2]
        function.__qualname__ = name
