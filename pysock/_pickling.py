"""multiprocessing can send a `pysock.socket` to another process, as it can the standard library's.

Plain pickle refuses both. The reduction of multiprocessing goes by exact class, hence this one.
"""

from multiprocessing import reduction

from ._backend import socket


def _rebuild(descriptor, family, type, proto):
    return socket(family, type, proto, fileno=descriptor.detach())


def _reduce(sock):
    descriptor = reduction.DupFd(sock.fileno())
    return _rebuild, (descriptor, sock.family, sock.type, sock.proto)


def register():
    """Tell multiprocessing. A call, for a lazy import that is asked for nothing never happens."""
    reduction.register(socket, _reduce)
