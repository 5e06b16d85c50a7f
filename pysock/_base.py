"""The standard library's own socket class and functions, also when others are in their place.

pysock builds on these, so that gevent, another copy of pysock, or whatever else assigns to
`socket.socket` is never underneath it by accident.
"""

import _socket
import socket as _module
from io import RawIOBase

socket = next(cls for cls in _socket.socket.__subclasses__() if cls.__module__ == "socket")
getaddrinfo = _module.getaddrinfo
SocketIO = next(cls for cls in RawIOBase.__subclasses__() if cls.__module__ == "socket")
