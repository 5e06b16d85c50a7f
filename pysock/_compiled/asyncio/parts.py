"""Which parts of an EventLoop run in C, and why the others do not."""

import asyncio.streams
from asyncio import selector_events

from ..._shared.event_loop import PARTS
from . import (
    accept,
    datagram_transport,
    loop,
    sock_operation,
    socket_transport,
    ssl_transports,
    stream_reader,
    stream_writer,
    streams,
    transport_init,
    transports,
)

PATCHED = "a method or class of asyncio's is patched"
UNKNOWN = "this version of asyncio is not known"


def _against_connections(of_loop):
    if not accept.has_original_tasks(of_loop):
        return "a task factory or another create_task() is told of each connection"
    if not transports.are_known:
        return UNKNOWN
    return None if transport_init.has_original_constructors() else PATCHED


def _against_transports(of_loop):
    usual = selector_events._SelectorSocketTransport is transports.OriginalSocketTransport
    return None if usual and socket_transport.has_original_methods() else PATCHED


def _against_datagrams(of_loop):
    usual = selector_events._SelectorDatagramTransport is transports.OriginalDatagramTransport
    return None if usual and datagram_transport.has_original_methods() else PATCHED


def _against_streams(of_loop):
    usual = asyncio.streams.StreamWriter is streams.OriginalWriter
    usual = usual and stream_reader.has_original_methods() and stream_writer.has_original_methods()
    return None if usual else PATCHED


def _against_sock_methods(of_loop):
    return None if sock_operation.has_original_methods(of_loop) else PATCHED


def _against_tls(of_loop):
    return ssl_transports.not_accelerated()


_AGAINST = (
    loop.not_accelerated,
    _against_connections,
    _against_transports,
    _against_datagrams,
    _against_streams,
    _against_sock_methods,
    _against_tls,
)


def given_up(of_loop):
    """Return why parts of *of_loop* are asyncio's own now, as a dict from part to reason.

    What is against its callbacks is against the whole loop.
    """
    against = loop.not_accelerated(of_loop)
    if against:
        return dict.fromkeys(PARTS, against)
    reasons = {part: ask(of_loop) for part, ask in zip(PARTS, _AGAINST, strict=True)}
    return {part: reason for part, reason in reasons.items() if reason}


def parts(of_loop):
    """Return a dict from each part of *of_loop* to None if it is in C, or why it is asyncio's own.

    It also has what this interpreter lacks for a part.
    """
    found = {"streams": streams.lacking(), "TLS": ssl_transports.lacking(), **given_up(of_loop)}
    return {part: found.get(part) for part in PARTS}


def not_accelerated(of_loop):
    """Return why *of_loop* or a part of it is asyncio's own now, as a str; None if it is not."""
    found = given_up(of_loop)
    if len(found) == len(PARTS):
        return found[PARTS[0]]
    return "; ".join(f"{part} alone: {reason}" for part, reason in found.items()) or None
