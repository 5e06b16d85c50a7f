"""create_connection, and listeners that share one address: the same code on both backends.

Without its additional arguments, `create_connection` calls the standard library's function.
"""

import operator
import socket as _stdlib
import sys

from . import PACKAGE
from .address import standard_host, standard_port
from .happy_eyeballs import connect_first

# Its functions are looked up here at each call, so that a function patched by tests is used.
_package = sys.modules[PACKAGE]
# The standard library's function. The package rebinds it before it imports this module.
_standard_create_connection = _package.create_connection


def create_connection(
    address,
    timeout=_stdlib._GLOBAL_DEFAULT_TIMEOUT,
    source_address=None,
    *,
    all_errors=False,
    happy_eyeballs_delay=None,
    total_timeout=None,
):
    """Connect to *address*, a pair (host, port), and return the socket.

    The addresses of the host are tried one after another. Each attempt may take *timeout* seconds
    (None: no limit; the default is `getdefaulttimeout()`), and the returned socket has that
    timeout. Host and port may have any form of docs/guide/addresses.md. *source_address* is what
    the socket is bound to before it connects. An attempt at an address of another family than
    that of *source_address* fails.

    *happy_eyeballs_delay*, in seconds, starts a race (RFC 8305, which recommends 0.25). The
    addresses are ordered so that their families alternate; the first address stays first. The next
    attempt starts after the delay, or immediately if the latest one has failed. The earlier
    attempts continue meanwhile. The first established connection is returned, and all others are
    closed. With 0 all attempts start at once.

    *total_timeout*, in seconds, is for the whole call, for any number of addresses. The time of
    the resolver counts, but the resolver cannot be interrupted: the call takes at least that long.

    Raises TimeoutError if the total timeout is over, otherwise the last error. If *all_errors* is
    true, raises an ExceptionGroup of all errors in the order in which they occurred, with the
    TimeoutError of the total timeout at the end (from Python 3.11 on; TypeError before). Raises
    OSError if the host has no address, ValueError for negative seconds. Audit events:
    `socket.getaddrinfo`, `socket.__new__`, `socket.bind`, `socket.connect`.
    """
    host, port = address
    if type(host) is not str or type(port) is not int or not host:
        if host is not None:
            host = standard_host(host)
            if isinstance(host, (str, bytes)) and not host:
                host = "0.0.0.0"
        port = standard_port(port, "tcp")
    if happy_eyeballs_delay is None and total_timeout is None:
        if all_errors:  # Python 3.10 raises TypeError for this argument
            return _standard_create_connection(
                (host, port), timeout, source_address, all_errors=all_errors
            )
        return _standard_create_connection((host, port), timeout, source_address)

    return connect_first(
        (host, port), timeout, source_address, all_errors, happy_eyeballs_delay, total_timeout
    )


def reuse_port_listeners(address, n, *, family=_stdlib.AF_INET, backlog=None):
    """Return a list of *n* sockets that listen on one *address*, say one for each worker process.

    The kernel assigns each new connection to one of them, by a hash of the addresses of both ends
    (`socket(7)`, SO_REUSEPORT). Each listener has a queue of its own, and only that listener can
    accept what is in it. So all listeners must be served. With port 0 the kernel chooses one port
    for all. *family* and *backlog* are those of `create_server`. If one listener cannot be made,
    all are closed. Raises OSError; ValueError if *n* is below 1, or if the system has no
    SO_REUSEPORT.
    """
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"at least one listener is needed, not {n}")
    listeners = []
    try:
        for _ in range(n):
            listeners.append(
                _package.create_server(address, family=family, backlog=backlog, reuse_port=True)
            )
            address = listeners[0].getsockname()
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners
