"""The standard library's own classes and functions, even if other code has replaced them.

pysock uses these objects. So a class that gevent, another copy of pysock or other code has assigned
to `socket.socket` is not used by accident. gevent removes EpollSelector from `selectors`.
"""

import _socket
import selectors as _selectors
import socket as _module
import sys
from io import RawIOBase

from . import PACKAGE


def _is_of_this_interpreter(cls):
    """Whether *cls* belongs to this interpreter and not to another one of the process.

    Before Python 3.12 all interpreters share the base type, and `__subclasses__()` returns the
    subclasses of all of them.
    """
    namespace = getattr(cls.__init__, "__globals__", None)
    return cls.__module__ == "socket" and namespace is vars(_module)


def _subclasses(cls):
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


socket = next(filter(_is_of_this_interpreter, _socket.socket.__subclasses__()))
getaddrinfo = _module.getaddrinfo


def is_unpatched(name):
    """Whether `socket.<name>` is the standard library's own object, and not a replacement."""
    value = getattr(_module, name, None)
    if isinstance(value, type):
        return value in (socket, SocketIO)
    if getattr(value, "__self__", None) is _socket:  # a function of the C module
        return True
    return getattr(value, "__globals__", None) is vars(_module)


def is_of_a_copy(package):
    """Whether *package* names this package, a copy of it under another name, or a part of these."""
    while isinstance(package, str) and package:
        if hasattr(sys.modules.get(f"{package}._shared.original"), "is_of_a_copy"):
            return True
        package = package.rpartition(".")[0]
    return False


class SocketRepr:
    """The repr of the class `socket` of both backends. Its source has the method's name."""

    def __repr__(self):
        """The repr with the standard library's class name, as warning filters may match it.

        A subclass keeps its own name.
        """
        text = socket.__repr__(self)
        if (type(self).__module__, type(self).__qualname__) == (PACKAGE, socket.__qualname__):
            text = text.replace(PACKAGE, socket.__module__, 1)
        return text


SelectorKey = _selectors.SelectorKey
SocketIO = next(filter(_is_of_this_interpreter, RawIOBase.__subclasses__()))
EpollSelector = next(
    (
        cls
        for cls in _subclasses(_selectors.BaseSelector)
        if (cls.__module__, cls.__name__) == ("selectors", "EpollSelector")
    ),
    _selectors.DefaultSelector,  # if the system has no epoll
)
# The part of `unregister` that does not call the kernel.
unregister_key = _selectors._BaseSelectorImpl.unregister
