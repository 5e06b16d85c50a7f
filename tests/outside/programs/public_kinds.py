"""What kind of object every public name is, and what inspect says of it."""

import _socket
import inspect
import selectors
import socket
import types

from shown import PYTHON_FUNCTIONS, kind, plain, say, standard_attributes

ATTRIBUTES = ("__name__", "__qualname__", "__module__", "__objclass__", "__text_signature__")


def signature(value):
    try:
        return plain(str(inspect.signature(value)))
    except (TypeError, ValueError) as error:
        return f"none: {type(error).__name__}"


def described(label, value):
    parts = [kind(value)]
    for attribute in ATTRIBUTES:
        found = getattr(value, attribute, "none")
        if attribute == "__module__" and isinstance(value, (types.FunctionType, type)):
            continue  # of a class and its methods it is another: the one difference that is meant
        parts.append(plain(found if isinstance(found, str) else repr(found)))
    if callable(value):
        parts.append(signature(value))
    say(label, *parts)


for name in sorted({*vars(_socket), *PYTHON_FUNCTIONS}):
    value = getattr(socket, name, None)
    if isinstance(value, types.BuiltinFunctionType) or name in PYTHON_FUNCTIONS:
        described(f"socket.{name}", value)
    elif callable(getattr(_socket, name, None)) and not isinstance(value, type):
        described(f"socket.{name}", value)

for cls in (socket.socket, socket.SocketIO, selectors.EpollSelector):
    described(cls.__name__, cls)
    for name, _ in standard_attributes(cls):
        value = inspect.getattr_static(cls, name)
        described(f"{cls.__name__}.{name}", value)
        if isinstance(value, property):
            described(f"{cls.__name__}.{name}.fget", value.fget)

with socket.socket() as sock, selectors.EpollSelector() as selector:
    for thing in (sock, selector):
        for name, original in standard_attributes(type(thing)):
            if callable(original) and not name.startswith("__"):
                say(f"bound {name}", kind(getattr(thing, name)))
