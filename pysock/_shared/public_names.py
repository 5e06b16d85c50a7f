"""Public objects get the name of the package as their `__module__`, not that of an inner module.

The standard library does the same for `socket.socket` and its methods. A repr, a profile or a
pickle then has the same name on both backends, and the name can be imported.
"""

from types import FunctionType

from . import PACKAGE


def set_public_names(namespace):
    """Rename the package's functions in *namespace*, and the methods of its classes."""
    for name, value in namespace.items():
        if not name.startswith("_"):
            _set_public_name(value, name)
            if isinstance(value, type) and value.__module__ == PACKAGE:
                for method, function in vars(value).items():
                    _set_public_name(function, f"{value.__qualname__}.{method}")


def _set_public_name(value, name):
    function = value.fget if isinstance(value, property) else value
    module = getattr(function, "__module__", None) or ""
    if module.startswith(f"{PACKAGE}.") and hasattr(function, "__qualname__"):
        function.__module__ = PACKAGE
        if isinstance(function, FunctionType):  # a builtin function keeps its name
            function.__name__ = name.rpartition(".")[2]
            function.__qualname__ = name
            name_code(function)


def name_code(function):
    """Give the code of *function* the function's names: profilers, and copies of it, show these."""
    names = {"co_name": function.__name__}
    if hasattr(function.__code__, "co_qualname"):  # since Python 3.11
        names["co_qualname"] = function.__qualname__
    if any(getattr(function.__code__, key) != name for key, name in names.items()):
        function.__code__ = function.__code__.replace(**names)
