"""ddtrace: its asyncio integration, and the wrapping of functions by which it makes all of them."""

import logging
import os

os.environ.update(
    DD_TRACE_STARTUP_LOGS="0",
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="0",
    DD_REMOTE_CONFIGURATION_ENABLED="0",
    DD_TRACE_AGENT_URL="http://127.0.0.1:1",
    DD_CIVISIBILITY_ENABLED="0",
    DD_CRASHTRACKING_ENABLED="0",
    DD_SYMBOL_DATABASE_UPLOAD_ENABLED="0",
)

import asyncio
import inspect
import selectors
import socket
import tempfile

from ddtrace import patch
from ddtrace.internal import core
from ddtrace.internal.wrapping import is_wrapped_with, unwrap, wrap
from ddtrace.trace import TraceFilter, tracer
from shown import Log, outcome, say

called = Log()
traces = []


class Keeps(TraceFilter):
    """Keeps the spans here: nothing is sent."""

    def process_trace(self, trace):
        traces.append([(span.name, names.get(span.parent_id)) for span in trace])
        return None


names = {}
tracer.configure(trace_processors=[Keeps()])
logging.getLogger("ddtrace").addHandler(logging.NullHandler())
logging.getLogger("ddtrace").propagate = False


def span(name):
    made = tracer.trace(name)
    names[made.span_id] = name
    return made


# Wrapped as its integrations wrap

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()


def connecting():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            with server, server.makefile("rb") as made:
                client.sendall(b"line\n")
                return made.readline(), client.sendfile(file)


def pairs():
    a, b = socket.socketpair()
    with a, b, a.dup() as c, c.makefile("wb", buffering=0) as made:
        return made.write(b"x"), b.recv(1), len(socket.getaddrinfo("127.0.0.1", 1, proto=6))


def selecting():
    a, b = socket.socketpair()
    with a, b, selectors.EpollSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        a.send(b"x")
        ready = len(selector.select(5))
        selector.modify(b, selectors.EVENT_WRITE)
        selector.unregister(b)
        return ready


def callbacks():
    done = []
    loop = asyncio.new_event_loop()
    loop.call_soon(done.append, "soon")
    loop.call_later(0.001, done.append, "later")
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    return done


for work, *functions in (
    (connecting, socket.socket.accept, socket.socket.close, socket.socket._real_close),
    (connecting, socket.create_connection, socket.create_server, socket.getaddrinfo),
    (connecting, socket.socket.makefile, socket.socket.sendfile, socket.SocketIO.readinto),
    (connecting, socket.socket.__init__, socket.socket.__exit__, socket.socket._decref_socketios),
    (pairs, socket.socketpair, socket.socket.dup, socket.SocketIO.write, socket.getaddrinfo),
    (pairs, socket.SocketIO.close, socket.SocketIO.__init__),
    (selecting, selectors.EpollSelector.select, selectors.EpollSelector.register),
    (selecting, selectors.EpollSelector.modify, selectors.EpollSelector.unregister),
    (callbacks, asyncio.Handle._run, selectors.EpollSelector.select),
    (callbacks, asyncio.BaseEventLoop.call_soon, asyncio.BaseEventLoop._run_once),
):
    for function in functions:
        name = function.__qualname__

        def wrapper(wrapped, args, kwargs, name=name):
            called.append(name)
            return wrapped(*args, **kwargs)

        label = f"{work.__name__}: {name}"
        try:
            wrap(function, wrapper)
        except Exception as error:
            say(label, f"cannot be wrapped: {type(error).__name__}: {error}")
            continue
        say(label, outcome(work), bool(called.taken()), is_wrapped_with(function, wrapper))
        say(label, str(inspect.signature(function)).partition("=")[0], function.__code__.co_name)
        unwrap(function, wrapper)
        say(label, outcome(work), called.taken())

# Its asyncio integration


def switched():
    called.append(f"switch to {names.get(getattr(tracer.current_span(), 'span_id', None))}")


async def child(reader, writer):
    with span("child"):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()


async def task(name):
    with span(name):
        await asyncio.sleep(0.001)


async def main():
    with span("main"):
        first = asyncio.create_task(task("first"))
        second = asyncio.create_task(task("second"))
        await asyncio.gather(first, second)
        async with await asyncio.start_server(child, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with span("client"):
                writer.write(b"line\n")
                line = await reader.read()
            writer.close()
            return line


core.on("python.context.switch", switched)
say("patched", outcome(patch, asyncio=True))
say("main", outcome(asyncio.run, main()), sorted(set(called.taken())))
say("callbacks", outcome(callbacks), sorted(set(called.taken())))
for trace in sorted(traces, key=str):
    say("trace", sorted(trace, key=str))
say("Handle._run", asyncio.Handle._run.__code__.co_name, type(asyncio.Handle._run).__name__)
