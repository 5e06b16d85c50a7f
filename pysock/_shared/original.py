"""The standard library's own classes and functions, also when others are in their place.

pysock builds on these, so that gevent, another copy of pysock, or whatever else assigns to
`socket.socket` is never underneath it by accident. gevent takes EpollSelector out of `selectors`.
"""

import _socket
import selectors as _selectors
import socket as _module
from io import RawIOBase

from . import PACKAGE


def _of_this_interpreter(cls):
    """Is *cls* the class of that module here, and not in another interpreter of the process?

    Before 3.12 they share the type that it derives from, and see each other's subclasses.
    """
    functions_know = getattr(cls.__init__, "__globals__", None)
    return cls.__module__ == "socket" and functions_know is vars(_module)


def _subclasses(cls):
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


socket = next(filter(_of_this_interpreter, _socket.socket.__subclasses__()))
getaddrinfo = _module.getaddrinfo


def is_its_own(name):
    """Has the standard library's module, under *name*, what it brings itself, and nobody else's?"""
    there = getattr(_module, name, None)
    if isinstance(there, type):
        return there in (socket, SocketIO)
    if getattr(there, "__self__", None) is _socket:  # a function in C
        return True
    return getattr(there, "__globals__", None) is vars(_module)


def socket_repr(self):
    """Under the standard library's name, which filters for warnings match; not of a subclass."""
    text = socket.__repr__(self)
    if (type(self).__module__, type(self).__qualname__) == (PACKAGE, socket.__qualname__):
        text = text.replace(PACKAGE, socket.__module__, 1)
    return text


SelectorKey = _selectors.SelectorKey
SocketIO = next(filter(_of_this_interpreter, RawIOBase.__subclasses__()))
EpollSelector = next(
    (
        cls
        for cls in _subclasses(_selectors.BaseSelector)
        if (cls.__module__, cls.__name__) == ("selectors", "EpollSelector")
    ),
    _selectors.DefaultSelector,  # where the system has no epoll
)
# What a selector does of `unregister` before it asks the system.
unregister_key = _selectors._BaseSelectorImpl.unregister
