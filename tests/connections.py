"""Where connections do not come about."""

import contextlib
import socket


@contextlib.contextmanager
def refusing_address():
    """The address of a port where nobody listens, and that nobody else can get."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()
