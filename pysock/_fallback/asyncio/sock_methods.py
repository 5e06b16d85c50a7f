"""The coroutines for sockets that asyncio's loop does not have."""

import asyncio

from ..._shared.sock_methods import check_socket


async def _until_ready(loop, sock, add, remove, method, *arguments):
    """Return what *method* returns, as soon as it would not block."""
    try:
        return method(*arguments)
    except (BlockingIOError, InterruptedError):
        pass
    future = loop.create_future()
    fd = sock.fileno()
    loop._ensure_fd_no_transport(fd)

    def try_again():
        if future.done():
            return
        try:
            result = method(*arguments)
        except (BlockingIOError, InterruptedError):
            return
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    handle = add(fd, try_again)
    try:
        return await future
    finally:
        if not handle.cancelled():
            remove(fd)
        future = None  # no cycle with an exception's traceback


def _reading(loop, sock, method, *arguments):
    return _until_ready(loop, sock, loop._add_reader, loop.remove_reader, method, *arguments)


def _writing(loop, sock, method, *arguments):
    return _until_ready(loop, sock, loop._add_writer, loop.remove_writer, method, *arguments)


class SockMethods:
    """What an EventLoop has more than asyncio's loop."""

    async def sock_recvmsg(self, sock, bufsize, ancbufsize=0, flags=0):
        """Receive a message with its ancillary data.

        *sock* is a non-blocking socket. The other arguments are those of `socket.recvmsg`. Returns
        (data, ancdata, msg_flags, address). See `recvmsg(2)`.
        """
        check_socket(self, sock)
        return await _reading(self, sock, sock.recvmsg, bufsize, ancbufsize, flags)

    async def sock_sendmsg(self, sock, buffers, ancdata=(), flags=0, address=None):
        """Send a message of several *buffers*, with ancillary data.

        *sock* is a non-blocking socket. The other arguments are those of `socket.sendmsg`. Returns
        the number of bytes that were sent: on a stream possibly not all of them. See `sendmsg(2)`.
        """
        check_socket(self, sock)
        arguments = (list(buffers), list(ancdata), flags)
        if address is not None:
            arguments += (address,)
        return await _writing(self, sock, sock.sendmsg, *arguments)

    async def sock_recvmmsg(self, sock, max_messages, bufsize, flags=0):
        """Receive up to *max_messages* datagrams of at most *bufsize* bytes.

        *sock* is a non-blocking `pysock.socket`. Waits until there is at least one. Returns a list
        of (data, address), as `pysock.socket.recvmmsg`.
        """
        check_socket(self, sock)
        return await _reading(self, sock, sock.recvmmsg, max_messages, bufsize, flags)

    async def sock_sendmmsg(self, sock, messages, address=None, flags=0):
        """Send several datagrams.

        *sock* is a non-blocking `pysock.socket`. The other arguments are those of
        `pysock.socket.sendmmsg`. Waits until at least one can be sent. Returns how many were sent:
        they are the first ones.
        """
        check_socket(self, sock)
        return await _writing(self, sock, sock.sendmmsg, list(messages), address, flags)


class SockDatagrams:
    """What asyncio's loop has since Python 3.11."""

    async def sock_recvfrom(self, sock, bufsize):
        """Receive a datagram; return (data, address). See `asyncio.loop.sock_recvfrom`."""
        check_socket(self, sock)
        return await _reading(self, sock, sock.recvfrom, bufsize)

    async def sock_recvfrom_into(self, sock, buf, nbytes=0):
        """Receive a datagram into *buf*. See `asyncio.loop.sock_recvfrom_into`."""
        check_socket(self, sock)
        return await _reading(self, sock, sock.recvfrom_into, buf, nbytes or len(buf))

    async def sock_sendto(self, sock, data, address):
        """Send a datagram to *address*. See `asyncio.loop.sock_sendto`."""
        check_socket(self, sock)
        return await _writing(self, sock, sock.sendto, data, address)


_HAS_DATAGRAMS = hasattr(asyncio.SelectorEventLoop, "sock_recvfrom")
BASES = (SockMethods,) if _HAS_DATAGRAMS else (SockMethods, SockDatagrams)
