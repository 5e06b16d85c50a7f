"""Sockets as objects: pickled, copied, referred to, listed, collected, described."""

import _socket
import copy
import gc
import inspect
import pickle
import selectors
import socket
import sys
import types
import weakref

from shown import plain, say, standard_attributes, tried

a, b = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
made = a.makefile("rb")
raw = a.makefile("rwb", buffering=0)
selector = selectors.EpollSelector()
key = selector.register(b, 1, "data")
THINGS = {
    "socket": a,
    "listener": listener,
    "client": client,
    "datagrams": socket.socket(type=socket.SOCK_DGRAM),
    "file": made,
    "raw file": raw,
    "selector": selector,
}


class Sub(socket.socket):
    pass


class Slotted(socket.socket):
    __slots__ = ("name",)


THINGS["subclass"] = Sub()
THINGS["slotted subclass"] = Slotted()
for name, thing in THINGS.items():
    say(name, repr(thing))
    say(name, type(thing).__qualname__, bool(thing), thing == thing, thing != a or thing is a)
    say(name, hash(thing) == hash(thing), callable(thing), gc.is_tracked(thing))
    tried(f"{name}: copy", copy.copy, thing)
    tried(f"{name}: deepcopy", copy.deepcopy, thing)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        tried(f"{name}: pickle {protocol}", pickle.dumps, thing, protocol)
        reduce = thing.__reduce_ex__
        tried(f"{name}: __reduce_ex__ {protocol}", lambda r=reduce, p=protocol: r(p)[1])
    tried(f"{name}: __reduce__", lambda t=thing: type(t.__reduce__()).__name__)
    tried(f"{name}: __getstate__", lambda t=thing: type(t.__getstate__()).__name__)
    tried(f"{name}: weakref", lambda t=thing: weakref.ref(t)() is t)
    tried(f"{name}: vars", lambda t=thing: sorted(vars(t)))
    tried(f"{name}: iterable", iter, thing)
    tried(f"{name}: comparable", lambda t=thing: t < t)
    tried(f"{name}: new attribute", setattr, thing, "new_attribute", 1)
    if isinstance(thing, socket.socket):
        say(name, sorted(type(each).__name__ for each in gc.get_referents(thing)))
        say(name, sys.getsizeof(thing), thing.__sizeof__())
        say(name, thing._io_refs, thing._closed, thing.timeout)
        say(name, thing.family, thing.type, thing.proto)
    for attribute in ("family", "type", "proto", "timeout", "closed", "mode", "name", "_selector"):
        if not hasattr(thing, attribute):
            tried(f"{name}: {attribute}", getattr, thing, attribute)
        elif isinstance(thing, socket.socket):
            tried(f"{name}: set {attribute}", setattr, thing, attribute, 1)
            tried(f"{name}: delete {attribute}", delattr, thing, attribute)

# Types

for cls in (socket.socket, socket.SocketIO, selectors.EpollSelector):
    say(cls.__name__, type(cls).__name__, cls.__mro__[-1])
    say(cls.__name__, cls.__itemsize__, cls.__weakrefoffset__ > 0)
    say(cls.__name__, inspect.isclass(cls), inspect.isabstract(cls), cls.__doc__ is None)
    pickled = pickle.loads(pickle.dumps(cls))
    say(cls.__name__, pickled is cls, copy.copy(cls) is cls, copy.deepcopy(cls) is cls)
    for name, original in standard_attributes(cls):
        value = inspect.getattr_static(cls, name)
        present = name in dir(cls), hasattr(cls, name)
        say(f"{cls.__name__}.{name}", *present, inspect.isdatadescriptor(value))
        if isinstance(original, types.FunctionType):
            label = f"{cls.__name__}.{name} pickles"
            tried(label, lambda v=value: pickle.loads(pickle.dumps(v)) is v)
say("size", socket.socket.__basicsize__, socket.SocketIO.__basicsize__)
say("subclass", issubclass(socket.socket, _socket.socket), socket.SocketType is _socket.socket)
say("instance", isinstance(a, _socket.socket), isinstance(a, socket.socket))
say("names of the module", [name for name in socket.__all__ if not hasattr(socket, name)])
for name in ("getaddrinfo", "create_connection", "socketpair", "htons", "inet_aton"):
    function = getattr(socket, name)
    tried(f"{name} pickles", lambda f=function: pickle.loads(pickle.dumps(f)) is f)
    say(name, copy.deepcopy(function) is function, plain(repr(function)))
say("bound", plain(repr(a.recv)).split(" object")[0], a.recv == a.recv, a.recv is a.recv)
say("bound", a.recv.__self__ is a, plain(repr(a.accept)).split(" of ")[0], a.accept == a.accept)
tried("pickled bound", pickle.dumps, a.recv)
say("bound to another", socket.socket.recv is socket.socket.recv, hash(a.recv) == hash(a.recv))
tried("set on the class", lambda: setattr(socket.socket, "recv", socket.socket.recv))
tried("set on the base", lambda: setattr(_socket.socket, "recv", None))

# Collected


class Node:
    pass


node = Node()
node.sock = Sub()
node.sock.node = node
gone = weakref.ref(node.sock)
node.sock.close()
del node
gc.collect()
say("a cycle is collected", gone() is None)
dead = []
sock = socket.socket()
weakref.finalize(sock, dead.append, "finalized")
sock.close()
del sock
gc.collect()
say("finalized", dead)


class Counting(socket.socket):
    def __del__(self):
        dead.append("__del__")
        super().__del__() if hasattr(super(), "__del__") else None


sock = Counting()
sock.close()
del sock
say("finalized", dead)
a.close()
say("closed", repr(a), plain(repr(raw)))
bare = socket.socket.__new__(socket.socket)
tried("without __init__", lambda: plain(repr(bare)))
for name in ("fileno", "close", "gettimeout", "detach"):
    tried(f"without __init__: {name}", lambda name=name: getattr(bare, name)())
tried("init again", lambda: (bare.__init__(), bare.family, bare.close()))
