"""Accepting connections for a server of the loop, in C.

asyncio makes a task and a future for each connection, and asks the listening socket for its family and
type, which are enums. Here a connection costs a callback. If a program or a tool makes the tasks, it
looks at them: then asyncio's own method makes one for each connection.
"""

import asyncio
import asyncio.unix_events
import socket as socket_module

from ..._shared import original

cimport cython

from ..connection.lifecycle cimport accept_as
from ..core cimport traceback
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
from .loop cimport call_soon_plain, is_plain
from .original_methods cimport OriginalMethods
from .sockets cimport has_original

cdef object original_socket = original.socket
cdef dict socket_names = vars(socket_module)

cdef OriginalMethods task_methods = OriginalMethods(
    asyncio.unix_events._UnixSelectorEventLoop, ("create_task",))
# New in Python 3.12.
cdef object eager_task_factory = getattr(asyncio, "eager_task_factory", None)


cdef bint makes_asyncios_tasks(object loop) except -1:
    """Whether neither a task factory nor another `create_task` would be told of a connection's task."""
    cdef object factory = loop._task_factory
    return (
        (factory is None or factory is eager_task_factory)
        and task_methods.are_those_of(type(loop)) and "create_task" not in vars(loop)
    )


cdef object accept(object sock):
    """`sock.accept()`. For a socket of the standard library no enum is made of its family and type."""
    if type(sock) is not original_socket or not has_original(sock):
        return sock.accept()
    return accept_as(<socket>sock, dict_get(socket_names, "socket"))


@cython.binding(False)
def accept_connections(self, sock, backlog, start, protocol_factory, server):
    """Accept up to *backlog* connections, and call *start* for each in the next turn.

    False if asyncio's own method must go on: the loop is not plain, its tasks are not asyncio's own, or
    the system is out of resources.
    """
    cdef object conn, peername
    if not is_plain(self) or not makes_asyncios_tasks(self):
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
