"""EventLoop: the standard library's class, with the methods of the modules in C."""

import asyncio
import asyncio.unix_events
import os
import selectors
import sys
from asyncio import selector_events

from ..._shared import PACKAGE, original
from ..._shared.public_names import set_public_names
from .. import load
from ..native import ASYNCIO
from ..selectors.selector import EpollSelector
from ..socket import socket

load(ASYNCIO)

from . import (  # noqa: E402
    loop,
    readers,
    sock_methods,
    sock_operation,
    sockets,
    ssl_transports,
)
from .accept import accept_connections  # noqa: E402
from .loop import _call_soon as c_call_soon_in  # noqa: E402
from .loop import call_at as c_call_at  # noqa: E402
from .loop import call_later as c_call_later  # noqa: E402
from .loop import call_soon as c_call_soon  # noqa: E402
from .loop import call_soon_threadsafe as c_call_soon_threadsafe  # noqa: E402
from .loop import create_future as c_create_future  # noqa: E402
from .loop import time as c_time  # noqa: E402
from .parts import not_accelerated, parts  # noqa: E402
from .streams import StreamReader, StreamWriter, replace_reader  # noqa: E402
from .transport_init import start_connection  # noqa: E402
from .transports import (  # noqa: E402
    DatagramTransport,
    OriginalDatagramTransport,
    OriginalSocketTransport,
    SocketTransport,
)
from .turn import run_once as c_run_once  # noqa: E402

__all__ = ["EventLoop", "StreamReader", "StreamWriter", "coalesces_by_default", "parts"]

# Since Python 3.12 the methods that make a transport refuse a descriptor that has one.
_REFUSES_USED_DESCRIPTOR = sys.version_info >= (3, 12)

coalesces_by_default = False  # loops that are not told: install() sets it


class EventLoop(asyncio.unix_events._UnixSelectorEventLoop):
    """`asyncio.SelectorEventLoop`, with what it does for each callback and each event in C.

    Its transports, handles, futures and tasks are asyncio's. In debug mode, under a trace or a
    profile function, and where a method is overridden or patched, asyncio's own methods run.
    *selector* is one of the module `selectors`; None makes an `EpollSelector` of the package. With
    *coalesce_writes*, what a transport is given while one callback runs leaves in one system call
    when the callback returns; None stands for what `install()` was told, or False.
    """

    __module__ = PACKAGE
    __slots__ = loop.SLOTS

    def __init__(self, selector=None, *, coalesce_writes=None):
        if coalesce_writes is None:
            coalesce_writes = coalesces_by_default
        self._state = loop.LoopState(bool(coalesce_writes))
        if selector is None and selectors.DefaultSelector is original.EpollSelector:
            selector = EpollSelector()
        super().__init__(selector)

    def _run_once(self):
        c_run_once(self)

    def call_soon(self, callback, *args, context=None):
        """Call *callback* with *args* in the next turn of the loop.

        It runs in *context*, or in a copy of the current one. Returns an `asyncio.Handle`. Raises
        RuntimeError if the loop is closed.
        """
        return c_call_soon(self, callback, args, context)

    def _call_soon(self, callback, args, context):
        return c_call_soon_in(self, callback, args, context)

    def call_soon_threadsafe(self, callback, *args, context=None):
        """As `call_soon`, from any thread: a loop that waits wakes up."""
        return c_call_soon_threadsafe(self, callback, args, context)

    def call_later(self, delay, callback, *args, context=None):
        """Call *callback* with *args* in *delay* seconds. Returns an `asyncio.TimerHandle`."""
        return c_call_later(self, delay, callback, args, context)

    def call_at(self, when, callback, *args, context=None):
        """Call *callback* with *args* when `loop.time()` is *when*, in seconds.

        Returns an `asyncio.TimerHandle`.
        """
        return c_call_at(self, when, callback, args, context)

    def time(self):
        """Return the loop's time in seconds, as a float: that of `time.monotonic()`."""
        return c_time(self)

    def create_future(self):
        """Return a new `asyncio.Future` of the loop."""
        return c_create_future(self)

    def metrics(self):
        """Return what the loop has done since it was made, as a dict.

        `turns`, the `callbacks` that it has run, the nanoseconds that it `waited_ns` for events and
        was `busy_ns` with callbacks, and the `longest_turn_ns`. Turns that asyncio's own method
        made, in debug mode for example, are not counted.
        """
        return loop.metrics(self)

    def not_accelerated(self):
        """Return why the loop leaves its work to asyncio's own methods now, as a str.

        Where it leaves a part alone to them, TLS for example, the text names that part. None if it
        runs in C.
        """
        return not_accelerated(self)

    def _add_reader(self, fd, callback, *args, context=None):
        return readers.add_reader(self, fd, callback, args, context)

    def _remove_reader(self, fd):
        return readers.remove_reader(self, fd)

    def _add_writer(self, fd, callback, *args, context=None):
        return readers.add_writer(self, fd, callback, args, context)

    def _remove_writer(self, fd):
        return readers.remove_writer(self, fd)

    sock_accept = sock_methods.sock_accept
    sock_connect = sock_methods.sock_connect
    sock_recv = sock_methods.sock_recv
    sock_recv_into = sock_methods.sock_recv_into
    sock_recvfrom = sock_methods.sock_recvfrom
    sock_recvfrom_into = sock_methods.sock_recvfrom_into
    sock_recvmmsg = sock_methods.sock_recvmmsg
    sock_recvmsg = sock_methods.sock_recvmsg
    sock_sendall = sock_methods.sock_sendall
    sock_sendmmsg = sock_methods.sock_sendmmsg
    sock_sendmsg = sock_methods.sock_sendmsg
    sock_sendto = sock_methods.sock_sendto

    def _accept_connection(
        self, protocol_factory, sock, sslcontext=None, server=None, backlog=100, *more
    ):
        """Accept what waits. asyncio makes a task of each connection, this a callback.

        *more* are the timeouts of TLS, and since Python 3.15 the context of the server.
        """
        context = more[2] if len(more) > 2 else None
        if sslcontext is None and accept_connections(
            self, sock, backlog, self._start_connection, protocol_factory, server, context
        ):
            return
        super()._accept_connection(protocol_factory, sock, sslcontext, server, backlog, *more)

    def _start_connection(self, protocol_factory, conn, peername, server, context):
        try:
            protocol = protocol_factory()
            if not start_connection(self, protocol, conn, peername, server, context):
                named = {} if context is None else {"context": context}
                self._make_socket_transport(
                    conn, protocol, extra={"peername": peername}, server=server, **named
                )
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            if self._debug:
                self.call_exception_handler(
                    {
                        "message": "Error on transport creation for incoming connection",
                        "exception": error,
                    }
                )

    def _make_socket_transport(
        self, sock, protocol, waiter=None, *, extra=None, server=None, context=None
    ):
        if not (
            selector_events._SelectorSocketTransport is OriginalSocketTransport
            and loop.has_original_methods(self)
        ):
            named = {} if context is None else {"context": context}
            return super()._make_socket_transport(
                sock, protocol, waiter, extra=extra, server=server, **named
            )
        if _REFUSES_USED_DESCRIPTOR:
            self._ensure_fd_no_transport(sock)
        replace_reader(protocol)
        return SocketTransport(self, sock, protocol, waiter, extra, server, context)

    def _make_ssl_transport(
        self,
        rawsock,
        protocol,
        sslcontext,
        waiter=None,
        *,
        server_side=False,
        server_hostname=None,
        extra=None,
        server=None,
        context=None,
        **timeouts,
    ):
        if (
            not ssl_transports.makes_transport(sslcontext)
            or selector_events._SelectorSocketTransport is not OriginalSocketTransport
        ):
            named = timeouts if context is None else {**timeouts, "context": context}
            return super()._make_ssl_transport(
                rawsock,
                protocol,
                sslcontext,
                waiter,
                server_side=server_side,
                server_hostname=server_hostname,
                extra=extra,
                server=server,
                **named,
            )
        if _REFUSES_USED_DESCRIPTOR:
            self._ensure_fd_no_transport(rawsock)
        replace_reader(protocol)
        ssl_protocol = ssl_transports.SSLProtocol(
            self, protocol, sslcontext, waiter, server_side, server_hostname, **timeouts
        )
        SocketTransport(self, rawsock, ssl_protocol, None, extra, server, context)
        return ssl_protocol._app_transport

    async def start_tls(
        self,
        transport,
        protocol,
        sslcontext,
        *,
        server_side=False,
        server_hostname=None,
        **timeouts,
    ):
        """Upgrade *transport* to TLS. See `asyncio.loop.start_tls`."""
        start = ssl_transports.start_tls_for(sslcontext)
        return await start(
            self,
            transport,
            protocol,
            sslcontext,
            server_side=server_side,
            server_hostname=server_hostname,
            **timeouts,
        )

    def _make_datagram_transport(self, sock, protocol, address=None, waiter=None, extra=None):
        if not (
            selector_events._SelectorDatagramTransport is OriginalDatagramTransport
            and loop.has_original_methods(self)
        ):
            return super()._make_datagram_transport(sock, protocol, address, waiter, extra)
        if _REFUSES_USED_DESCRIPTOR:
            self._ensure_fd_no_transport(sock)
        return DatagramTransport(self, sock, protocol, address, waiter, extra)


def _flush_before_fork():
    """Send what the running callback has written: the child must not send it once more."""
    running = asyncio._get_running_loop()
    if isinstance(running, EventLoop):
        loop.flush_all(running)


os.register_at_fork(before=_flush_before_fork)
set_public_names({"EventLoop": EventLoop})  # C code keeps the codes: they change no more
loop.register_class(EventLoop)
sock_operation.register_class(EventLoop)
sockets.register_class(socket)
