"""Contexts of TLS for a server and a client on this machine that know each other."""

import ssl

import trustme


def contexts():
    """(server, client)"""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client
