"""StreamReader and StreamWriter: asyncio's own, with reads and `drain` in C."""

import asyncio
import asyncio.streams
import sys
import weakref
from types import CoroutineType

from .stream_reader import (
    SLOTS,
    finish_read,
    register_class,
    start_read,
    try_readexactly,
    try_readline,
    try_readuntil,
)
from .stream_reader import feed_data as _feed_data
from .stream_writer import register_class as register_writer
from .stream_writer import start_drain

_Original = asyncio.StreamReader
OriginalWriter = asyncio.StreamWriter
_OriginalProtocol = asyncio.StreamReaderProtocol
_HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class StreamReader(_Original):
    """`asyncio.StreamReader`, with its reads in C."""

    __slots__ = SLOTS

    def feed_data(self, data):
        """Append *data* to the buffer, and wake up the coroutine that waits for it."""
        _feed_data(self, data)

    async def read(self, n=-1):
        """Read up to *n* bytes. See `asyncio.StreamReader.read`."""
        outcome = start_read(self, n)
        if type(outcome) is bytes:
            return outcome
        if type(outcome) is CoroutineType:
            return await outcome
        try:
            await outcome
        finally:
            self._waiter = None
        outcome = finish_read(self, n)
        return outcome if type(outcome) is bytes else await outcome

    async def readexactly(self, n):
        """Read exactly *n* bytes. See `asyncio.StreamReader.readexactly`."""
        has_waited = False
        while True:
            outcome = try_readexactly(self, n, has_waited)
            if type(outcome) is bytes:
                return outcome
            if type(outcome) is CoroutineType:
                return await outcome
            try:
                await outcome
            finally:
                self._waiter = None
            has_waited = True

    async def readuntil(self, separator=b"\n"):
        """Read until *separator* is found. See `asyncio.StreamReader.readuntil`."""
        has_waited = False
        while True:
            outcome = try_readuntil(self, separator, has_waited)
            if type(outcome) is bytes:
                return outcome
            if type(outcome) is CoroutineType:
                return await outcome
            try:
                await outcome
            finally:
                self._waiter = None
            has_waited = True

    async def readline(self):
        """Read a line. See `asyncio.StreamReader.readline`."""
        has_waited = False
        while True:
            outcome = try_readline(self, has_waited)
            if type(outcome) is bytes:
                return outcome
            if type(outcome) is CoroutineType:
                return await outcome
            try:
                await outcome
            finally:
                self._waiter = None
            has_waited = True


class StreamWriter(OriginalWriter):
    """`asyncio.StreamWriter`, with the part of `drain` that does not wait in C."""

    async def drain(self):
        """Wait until the buffer is below its low-water mark. See `asyncio.StreamWriter.drain`."""
        waiting = start_drain(self)
        if waiting is not None:
            await waiting


def lacking():
    """Return why no connection of a server gets a reader in C here, as a str; None if it does."""
    return None if _HAS_GIL else "an interpreter without a GIL may not replace asyncio's"


def _with_writer(client_connected_cb):
    """*client_connected_cb*, called with a StreamWriter of this module.

    asyncio's protocol makes the writer and passes it on at once: nobody has seen it before.
    """

    def client_connected(reader, writer):
        if type(writer) is OriginalWriter:
            writer.__class__ = StreamWriter
        return client_connected_cb(reader, writer)

    return client_connected


def _reader_of(protocol):
    """The protocol's reader, and the number of references to it."""
    reader = vars(protocol).get("_strong_reader")
    return reader, sys.getrefcount(reader)


class _Protocol:
    """Stands in for a protocol that alone has its reader."""

    def __init__(self):
        self._strong_reader = object()


# An interpreter counts a reference for each variable and each argument, or for some of them.
_REFERENCES = _reader_of(_Protocol())[1]


def replace_reader(protocol):
    """Give *protocol* a reader and a writer in C, if its reader is asyncio's and only it has it.

    `asyncio.start_server` makes a protocol and its reader for each connection, and shows the reader
    to the program only when the connection is made.
    """
    if type(protocol) is not _OriginalProtocol or not _HAS_GIL:
        return
    reader, references = _reader_of(protocol)
    if (
        type(reader) is not _Original
        or references != _REFERENCES
        or weakref.getweakrefcount(reader) != 1
        or vars(reader).keys() != _ATTRIBUTES
        or reader._buffer
        or reader._eof
    ):
        return
    replacement = StreamReader(reader._limit, reader._loop)
    protocol._stream_reader_wr = weakref.ref(replacement)
    protocol._strong_reader = replacement
    if asyncio.streams.StreamWriter is OriginalWriter and protocol._client_connected_cb is not None:
        protocol._client_connected_cb = _with_writer(protocol._client_connected_cb)


_ATTRIBUTES = set(SLOTS)
register_class(StreamReader)
register_writer(StreamWriter)
