"""create_connection, on both backends."""

import socket as _stdlib
import sys

from ._address import standard_host, standard_port

# The standard library's function, which the package has bound to itself before it imports this.
_one_by_one = sys.modules[__package__].create_connection


def create_connection(
    address,
    timeout=_stdlib._GLOBAL_DEFAULT_TIMEOUT,
    source_address=None,
    *,
    all_errors=False,
):
    """Connect to *address*, a pair (host, port), and return the socket.

    The addresses that the host's name stands for are tried one after another, each for *timeout*
    seconds (None: without end; by default `setdefaulttimeout()`'s), and the socket has that timeout
    in the end. Host and port have any form that the README lists. *source_address* is what the
    socket is bound to first: an attempt at an address of another family than that one's fails.

    Raises the error that came last; where *all_errors* is true, an ExceptionGroup of all in the
    order in which they came (from Python 3.11 on; TypeError before). OSError where the host has no
    address.
    """
    host, port = address
    if type(host) is not str or type(port) is not int or not host:
        if host is not None:
            host = standard_host(host) or "0.0.0.0"
        port = standard_port(port, "tcp")
    if all_errors:  # an interpreter that does not know it says so
        return _one_by_one((host, port), timeout, source_address, all_errors=all_errors)
    return _one_by_one((host, port), timeout, source_address)
