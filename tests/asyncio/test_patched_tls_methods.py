"""What is patched in asyncio's TLS runs where asyncio's own loop runs it, on both sides."""

import asyncio
import contextlib
import functools
import inspect
import os
import ssl
import subprocess
import sys
import textwrap
from asyncio import sslproto
from pathlib import Path
from types import FunctionType

import pytest
from support.loops import Collecting, run
from support.paths import ROOT
from support.streams import contexts
from support.tls import Echo, connected, end, tls_in_c, until

pytestmark = tls_in_c
HERE = Path(__file__).parent
CLASSES = [sslproto.SSLProtocol, sslproto._SSLProtocolTransport, ssl.SSLObject]
OF_THE_LOOP = ["_make_ssl_transport", "start_tls"]
# They run when an object ends, which may be late.
LATE = {"__del__"}


def methods():
    """Each method of the loop and of CLASSES, in the class that has it."""
    for name in OF_THE_LOOP:
        yield next(cls for cls in asyncio.SelectorEventLoop.__mro__ if name in vars(cls)), name
    for cls in CLASSES:
        for name in dir(cls):
            if isinstance(getattr(cls, name), FunctionType) and name not in LATE:
                for base in cls.__mro__:
                    if name in vars(base):
                        yield base, name
                        break


METHODS = sorted(set(methods()), key=lambda each: (each[0].__name__, each[1]))


class Buffered(Echo, asyncio.BufferedProtocol):
    """An echo with a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.buffer = memoryview(bytearray(100))

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, n):
        self.data_received(bytes(self.buffer[:n]))


class Failing(Collecting):
    def data_received(self, data):
        raise ValueError("no")


async def echo(protocol, data):
    before = len(protocol.received)
    protocol.transport.write(data)
    await until(lambda: len(protocol.received) == before + len(data))


async def use_transport(transport):
    """What a program may ask the transport."""
    transport.set_write_buffer_limits(100_000)
    transport.get_write_buffer_limits()
    transport.get_write_buffer_size()
    getattr(transport, "set_read_buffer_limits", int)()
    getattr(transport, "get_read_buffer_size", int)()
    transport.pause_reading()
    transport.is_reading()
    transport.resume_reading()
    transport.is_closing()
    transport.can_write_eof()
    transport.set_protocol(transport.get_protocol())
    for name in "peercert", "cipher", "socket", "nothing":
        transport.get_extra_info(name)
    of_ssl = transport.get_extra_info("ssl_object")
    of_ssl.getpeercert(), of_ssl.cipher(), of_ssl.pending(), of_ssl.version()


async def echoes(loop):
    for kind in Echo, Buffered:
        ours, theirs, server = await connected(loop, kind)
        await echo(theirs, b"data")
        theirs.transport.writelines([b"more", b" data"])
        await until(lambda theirs=theirs: len(theirs.received) == 13)
        await use_transport(theirs.transport)
        await echo(theirs, bytes(20_000))
        await end(server, theirs, ours)


async def pauses(loop):
    ours, theirs, server = await connected(loop, Collecting)
    ours.transport.pause_reading()
    while not theirs.paused:
        theirs.transport.write(bytes(1 << 18))
        await asyncio.sleep(0)
    ours.transport.resume_reading()
    await until(lambda: theirs.paused == [True, False])
    await end(server, theirs, ours)


async def streams(loop):
    async def serve(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=contexts()[1])
    address = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(
        *address, ssl=contexts()[0], server_hostname="localhost"
    )
    writer.write(b"line\n")
    assert await reader.read() == b"line\n"
    writer.close()
    await writer.wait_closed()
    server.close()


async def upgrades(loop):
    """TLS that begins within a connection."""
    done = loop.create_future()

    class Upgrading(asyncio.Protocol):
        def connection_made(self, transport):
            self.task = loop.create_task(self.upgrade(transport))

        async def upgrade(self, transport):
            protocol = Echo()
            over = await loop.start_tls(transport, protocol, contexts()[1], server_side=True)
            protocol.connection_made(over)
            done.set_result(protocol)

    server = await loop.create_server(Upgrading, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    theirs = Collecting()
    theirs.connection_made(
        await loop.start_tls(transport, theirs, contexts()[0], server_hostname="localhost")
    )
    ours = await done
    await echo(theirs, b"data")
    await end(server, theirs, ours)


async def failures(loop):
    """A protocol that raises, a connection that is aborted, a certificate that nobody knows."""
    loop.set_exception_handler(lambda loop, context: None)
    ours, theirs, server = await connected(loop, Failing)
    theirs.transport.write(b"data")
    await ours.lost
    await end(server, theirs)
    ours, theirs, server = await connected(loop, Collecting)
    theirs.transport.abort()
    await end(server, ours)
    with pytest.raises(ssl.SSLError):
        await connected(loop, Collecting, client=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


USES = [echoes, pauses, streams, upgrades, failures]


async def everything(loop):
    for use in USES:
        await use(loop)
    await asyncio.sleep(0.02)  # connections that were closed end


@contextlib.contextmanager
def counted(place, name):
    """Count the calls of a method while it is patched."""
    calls = [0]
    original = vars(place)[name]

    def spy(*arguments, **named):
        calls[0] += 1
        return original(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, spy)
        yield calls


def use_all(make_loop):
    loop = make_loop()
    try:
        run(loop, everything(loop))
    finally:
        loop.close()


@functools.cache
def calls_on_asyncios():
    """How often asyncio's own loop calls each method in everything()."""
    with contextlib.ExitStack() as stack:
        calls = {method: stack.enter_context(counted(*method)) for method in METHODS}
        use_all(asyncio.SelectorEventLoop)
    return {method: count for method, [count] in calls.items()}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method[1])
def test_a_patched_method_runs(pysock, only_c, method):
    """As often as on asyncio's own loop. What a receive brings differs from run to run."""
    with counted(*method) as calls:
        use_all(pysock.EventLoop)
    assert calls[0] == pytest.approx(calls_on_asyncios()[method], rel=0.3, abs=2)


@pytest.mark.parametrize("name", OF_THE_LOOP)
def test_code_that_is_replaced_runs(c_loop, monkeypatch, name):
    """Debuggers and tracers put another code into asyncio's function."""
    function = getattr(asyncio.SelectorEventLoop, name)
    seen = []
    monkeypatch.setitem(function.__globals__, "_seen", seen)
    source = textwrap.dedent(inspect.getsource(function))
    head, colon, body = source.partition("):\n")
    namespace = {}
    exec(f"{head}{colon}    _seen.append(1)\n{body}", function.__globals__, namespace)
    monkeypatch.setattr(function, "__code__", namespace[name].__code__)
    assert c_loop.not_accelerated().startswith("TLS alone: ")
    run(c_loop, upgrades(c_loop) if name == "start_tls" else streams(c_loop))
    assert len(seen) == 2
    monkeypatch.undo()
    assert c_loop.not_accelerated() is None


BEFORE = {
    "a wrapper of start_tls": """
original = loop_class.start_tls
async def start_tls(*arguments, **named):
    seen.append(1)
    return await original(*arguments, **named)
asyncio.base_events.BaseEventLoop.start_tls = start_tls
""",
    "a wrapper of _make_ssl_transport": """
original = loop_class._make_ssl_transport
def make(*arguments, **named):
    seen.append(1)
    return original(*arguments, **named)
asyncio.selector_events.BaseSelectorEventLoop._make_ssl_transport = make
""",
    "a wrapper with a closure": """
def wrapped(original):
    async def start_tls(*arguments, **named):
        seen.append(1)
        return await original(*arguments, **named)
    return start_tls
asyncio.base_events.BaseEventLoop.start_tls = wrapped(loop_class.start_tls)
""",
    "a class in place of SSLProtocol": """
class Shown(sslproto.SSLProtocol):
    def _process_outgoing(self):
        seen.append(1)
        super()._process_outgoing()
sslproto.SSLProtocol = Shown
""",
    "a method of SSLProtocol": """
original = sslproto.SSLProtocol._process_outgoing
def process(self):
    seen.append(1)
    original(self)
sslproto.SSLProtocol._process_outgoing = process
""",
}
PROGRAM = """
import asyncio
from asyncio import sslproto
seen = []
loop_class = asyncio.SelectorEventLoop
{patch}
import pysock
import test_patched_tls_methods as test
from support.loops import run
loop = pysock.EventLoop()
assert loop.not_accelerated().startswith("TLS alone: "), loop.not_accelerated()
for use in test.echoes, test.upgrades:
    run(loop, use(loop))
loop.close()
print(len(seen))
"""


@pytest.mark.parametrize("patch", BEFORE)
def test_what_was_patched_before_the_import_runs(only_c, patch):
    environment = {**os.environ, "PYTHONDEVMODE": "", "PYSOCK_NO_EXTENSIONS": ""}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [ROOT, ROOT / "tests", HERE]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(patch=BEFORE[patch])],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) >= 2
