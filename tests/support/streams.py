"""What the stream tests share: connections of each kind that a Stream works on."""

import contextlib
import functools
import socket
import ssl

import trustme

KINDS = ["plain", "standard", "tls"]


@functools.cache
def contexts():
    """Return (client, server) TLS contexts that know each other."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return client, server


@contextlib.contextmanager
def connection(pysock, kind):
    """Two connected stream sockets, the second to be given to a Stream.

    "plain" is pysock's own, "standard" the standard library's class, "tls" an ssl.SSLSocket.
    """
    made = (socket if kind == "standard" else pysock).socketpair()
    if kind == "tls":
        client, server = contexts()
        made = handshake(client, server, *made)
    a, b = made
    with a, b:
        yield a, b


def handshake(client, server, a, b):
    """Do both sides of a TLS handshake over two connected sockets, without a thread."""
    a.setblocking(False)
    b.setblocking(False)
    a = client.wrap_socket(a, server_hostname="localhost", do_handshake_on_connect=False)
    b = server.wrap_socket(b, server_side=True, do_handshake_on_connect=False)
    open_ends = [a, b]
    while open_ends:
        for end in list(open_ends):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                open_ends.remove(end)
    a.settimeout(None)
    b.settimeout(None)
    return a, b


def pieces_until_closed(sock):
    """Receive, and yield what comes, until the peer has closed."""
    try:
        while piece := sock.recv(65536):
            yield piece
    except ConnectionError:
        if not (isinstance(sock, ssl.SSLSocket) and plain_ssl_raises()):
            raise


@functools.cache
def plain_ssl_raises():
    """Whether `ssl` alone raises ConnectionError after the last byte of a peer that has closed.

    It depends on the version of OpenSSL. The peer has not called `unwrap()`.
    """
    with connection(socket, "tls") as (a, b):
        b.sendall(b"x" * 100_000)
        b.close()
        left = 100_000
        try:
            while piece := a.recv(65536):
                left -= len(piece)
        except ConnectionError:
            assert left == 0
            return True
    return False
