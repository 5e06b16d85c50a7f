"""What a loop's coroutines for sockets need on both backends."""

import asyncio.base_events
from socket import SO_ERROR, SOL_SOCKET

check_ssl_socket = asyncio.base_events._check_ssl_socket


def check_socket(loop, sock):
    """Raise what asyncio's own coroutines raise for a socket that they cannot take."""
    check_ssl_socket(sock)
    if loop.get_debug() and sock.gettimeout() != 0:
        raise ValueError("the socket must be non-blocking")


def accept_nonblocking(sock):
    """Return (connection, address)."""
    connection, address = sock.accept()
    connection.setblocking(False)
    return connection, address


def check_connected(sock, address):
    """Raise the error of a connection attempt that has ended."""
    error = sock.getsockopt(SOL_SOCKET, SO_ERROR)
    if error != 0:
        raise OSError(error, f"Connect call failed {address}")
