"""Accepting connections for a server of the loop, in C.

asyncio makes a task and a future for each connection, and asks the listening socket for its family and
type, which are enums. Here a connection costs a callback.
"""

import socket as socket_module
import sys

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
# Since Python 3.14 a turn accepts one connection more than the backlog has room for, as the kernel's
# queue does, and one that was aborted before it was accepted does not end the turn.
cdef bint skips_aborted = sys.version_info >= (3, 14)
cdef int MORE_THAN_BACKLOG = 1 if skips_aborted else 0


cdef object accept(object sock):
    """`sock.accept()`. For a socket of the standard library no enum is made of its family and type."""
    if type(sock) is not original_socket or not has_original(sock):
        return sock.accept()
    return accept_as(<socket>sock, dict_get(socket_names, "socket"))


cdef object accept_next(object sock):
    """What `accept` returns. None if nothing waits, () if a connection was aborted, False after an error."""
    try:
        return accept(sock)
    except (BlockingIOError, InterruptedError):
        return None
    except ConnectionAbortedError:
        return ()
    except OSError:
        return False


@cython.binding(False)
def accept_connections(self, sock, backlog, start, protocol_factory, server, context):
    """Accept the connections that wait, up to the *backlog*, and call *start* for each in the next turn.

    The connections of a server get copies of its *context*, which is None before Python 3.15. False if
    asyncio's own method must go on: the loop is not plain, or the system is out of resources.
    """
    cdef object accepted, conn, peername, own_context
    if not is_plain(self):
        return False
    for _ in range(backlog + MORE_THAN_BACKLOG):
        accepted = accept_next(sock)
        if accepted is None or accepted is False:
            return accepted is None
        if not accepted:
            if skips_aborted:
                continue
            return True
        conn, peername = accepted
        conn.setblocking(False)
        own_context = None if context is None else context.copy()
        call_soon_plain(
            self, start, (protocol_factory, conn, peername, server, own_context), own_context)
    return True
