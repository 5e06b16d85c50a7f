"""Accepting connections for a server of the loop, in C.

asyncio makes a task and a future for each connection, and asks the listening socket for its family and
type, which are enums. Here a connection costs a callback. If a program or a tool makes the tasks, it
looks at them: then asyncio's own method makes one for each connection.
"""

import asyncio
import asyncio.unix_events
import socket as socket_module
import sys

from ..._shared import original

cimport cython

from ..connection.creation cimport accept_as, accepts_here
from ..core cimport traceback
from ..core.socket_class cimport socket_class
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
from ..sys.ps_addr cimport ps_addr_family_known
from .loop cimport call_soon_plain, is_plain
from .original_methods cimport OriginalMethods
from .sockets cimport has_original, is_original_class

cdef object original_socket = original.socket
cdef dict socket_names = vars(socket_module)
# Since Python 3.14 a turn accepts one connection more than the backlog has room for, as the kernel's
# queue does, and one that was aborted before it was accepted does not end the turn.
cdef bint skips_aborted = sys.version_info >= (3, 14)
cdef int MORE_THAN_BACKLOG = 1 if skips_aborted else 0

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


@cython.binding(False)
def has_original_tasks(self):
    """Whether nobody is told of a connection's task, so that none is made for it."""
    return makes_asyncios_tasks(self)


cdef object accept(object listener):
    """`listener.accept()`, and `setblocking(False)` of the new socket. One system call does both."""
    cdef object accepted, cls
    if has_original(listener):
        if type(listener) is original_socket:
            cls = dict_get(socket_names, "socket")
            if is_original_class(cls) and ps_addr_family_known((<socket>listener).sock_family):
                return accept_as(<socket>listener, cls, False)
        elif accepts_here(listener):
            return accept_as(<socket>listener, socket_class, False)
    accepted = listener.accept()
    accepted[0].setblocking(False)
    return accepted


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
    asyncio's own method must go on: the loop is not plain, its tasks are not asyncio's own, or the
    system is out of resources.
    """
    cdef object accepted, conn, peername, own_context
    if not is_plain(self) or not makes_asyncios_tasks(self):
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
        own_context = None if context is None else context.copy()
        call_soon_plain(
            self, start, (protocol_factory, conn, peername, server, own_context), own_context)
    return True
