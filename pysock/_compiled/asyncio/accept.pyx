"""Accepting connections for a server of the loop, in C.

asyncio makes a task and a future for each connection, and asks the listening socket for its family and
type, which are enums. Here a connection costs a callback.
"""

import socket as socket_module

from ..._shared import original

cimport cython

from ..connection.lifecycle cimport accept_as
from ..core cimport traceback
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
from .loop cimport call_soon_plain, is_plain
from .sockets cimport has_original

cdef object original_socket = original.socket
cdef dict socket_names = vars(socket_module)


cdef object accept(object sock):
    """`sock.accept()`. For a socket of the standard library no enum is made of its family and type."""
    if type(sock) is not original_socket or not has_original(sock):
        return sock.accept()
    return accept_as(<socket>sock, dict_get(socket_names, "socket"))


@cython.binding(False)
def accept_connections(self, sock, backlog, start, protocol_factory, server):
    """Accept up to *backlog* connections, and call *start* for each in the next turn.

    False if asyncio's own method must go on: the loop is not plain, or the system is out of resources.
    """
    cdef object conn, peername
    if not is_plain(self):
        return False
    for _ in range(backlog):
        try:
            conn, peername = accept(sock)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return True
        except OSError:
            return False
        conn.setblocking(False)
        call_soon_plain(self, start, (protocol_factory, conn, peername, server), None)
    return True
