"""The coroutines of a loop that receive and send with a socket. The part that waits is in C.

asyncio's own coroutine runs in debug mode, where somebody has replaced one of these methods or what
they call, and for a socket of another class: an `ssl.SSLSocket`, a mock, a subclass.
"""

import asyncio
import asyncio.unix_events
from socket import AF_INET, AF_INET6

from ..._shared.sock_methods import accept_nonblocking, check_connected, check_socket
from .sock_operation import (
    SockOperation,
    is_usual,
    start_reading,
    start_recv,
    start_sendall,
    start_writing,
    wait_writable,
)

_base = asyncio.unix_events._UnixSelectorEventLoop
_HAS_DATAGRAMS = hasattr(_base, "sock_recvfrom")  # since Python 3.11


async def sock_recv(self, sock, n):
    """Receive up to *n* bytes. See `asyncio.loop.sock_recv`."""
    if not is_usual(self, sock):
        return await _base.sock_recv(self, sock, n)
    outcome = start_recv(self, sock, n)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_recv_into(self, sock, buf):
    """Receive into the buffer *buf*. See `asyncio.loop.sock_recv_into`."""
    if not is_usual(self, sock):
        return await _base.sock_recv_into(self, sock, buf)
    outcome = start_reading(self, sock, sock.recv_into, buf)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_recvfrom(self, sock, bufsize):
    """Receive a datagram; return (data, address). See `asyncio.loop.sock_recvfrom`."""
    if _HAS_DATAGRAMS and not is_usual(self, sock):
        return await _base.sock_recvfrom(self, sock, bufsize)
    check_socket(self, sock)
    outcome = start_reading(self, sock, sock.recvfrom, bufsize)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_recvfrom_into(self, sock, buf, nbytes=0):
    """Receive a datagram into *buf*. See `asyncio.loop.sock_recvfrom_into`."""
    if _HAS_DATAGRAMS and not is_usual(self, sock):
        return await _base.sock_recvfrom_into(self, sock, buf, nbytes)
    check_socket(self, sock)
    outcome = start_reading(self, sock, sock.recvfrom_into, buf, nbytes or len(buf))
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_sendto(self, sock, data, address):
    """Send a datagram to *address*. See `asyncio.loop.sock_sendto`."""
    if _HAS_DATAGRAMS and not is_usual(self, sock):
        return await _base.sock_sendto(self, sock, data, address)
    check_socket(self, sock)
    outcome = start_writing(self, sock, sock.sendto, data, address)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_sendall(self, sock, data):
    """Send all of *data*. See `asyncio.loop.sock_sendall`."""
    if not is_usual(self, sock):
        return await _base.sock_sendall(self, sock, data)
    outcome = start_sendall(self, sock, data)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_accept(self, sock):
    """Accept a connection. See `asyncio.loop.sock_accept`."""
    if not is_usual(self, sock):
        return await _base.sock_accept(self, sock)
    outcome = start_reading(self, sock, accept_nonblocking, sock)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_connect(self, sock, address):
    """Connect to *address*. See `asyncio.loop.sock_connect`."""
    if not is_usual(self, sock):
        return await _base.sock_connect(self, sock, address)
    if sock.family in (AF_INET, AF_INET6):
        resolved = await self._ensure_resolved(
            address, family=sock.family, type=sock.type, proto=sock.proto, loop=self
        )
        address = resolved[0][4]
    try:
        return sock.connect(address)
    except (BlockingIOError, InterruptedError):
        # connect() goes on after a signal, too.
        waiting = wait_writable(self, sock, check_connected, sock, address)
    return await waiting


async def sock_recvmsg(self, sock, bufsize, ancbufsize=0, flags=0):
    """Receive a message with its ancillary data.

    *sock* is a non-blocking socket. The other arguments are those of `socket.recvmsg`. Returns
    (data, ancdata, msg_flags, address). See `recvmsg(2)`.
    """
    check_socket(self, sock)
    outcome = start_reading(self, sock, sock.recvmsg, bufsize, ancbufsize, flags)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_sendmsg(self, sock, buffers, ancdata=(), flags=0, address=None):
    """Send a message of several *buffers*, with ancillary data.

    *sock* is a non-blocking socket. The other arguments are those of `socket.sendmsg`. Returns the
    number of bytes that were sent: on a stream possibly not all of them. See `sendmsg(2)`.
    """
    check_socket(self, sock)
    arguments = (list(buffers), list(ancdata), flags)
    if address is not None:
        arguments += (address,)
    outcome = start_writing(self, sock, sock.sendmsg, *arguments)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_recvmmsg(self, sock, max_messages, bufsize, flags=0):
    """Receive up to *max_messages* datagrams of at most *bufsize* bytes.

    *sock* is a non-blocking `pysock.socket`. Waits until there is at least one. Returns a list of
    (data, address), as `pysock.socket.recvmmsg`.
    """
    check_socket(self, sock)
    outcome = start_reading(self, sock, sock.recvmmsg, max_messages, bufsize, flags)
    return await outcome if type(outcome) is SockOperation else outcome


async def sock_sendmmsg(self, sock, messages, address=None, flags=0):
    """Send several datagrams.

    *sock* is a non-blocking `pysock.socket`. The other arguments are those of
    `pysock.socket.sendmmsg`. Waits until at least one can be sent. Returns how many were sent: they
    are the first ones.
    """
    check_socket(self, sock)
    outcome = start_writing(self, sock, sock.sendmmsg, list(messages), address, flags)
    return await outcome if type(outcome) is SockOperation else outcome
