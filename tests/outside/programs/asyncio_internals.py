"""asyncio's own classes: replaced methods, subclasses, overrides and debug mode are heard."""

import asyncio
import contextvars
import inspect
import logging
import selectors
import socket
import time
from unittest import mock

from shown import Log, frames, outcome, plain, say

called = Log()
LOOP = asyncio.SelectorEventLoop
asyncio_logger = logging.getLogger("asyncio")
asyncio_logger.propagate = False


class Collects(logging.Handler):
    def emit(self, record):
        called.append(f"{record.levelname} {record.msg.partition('<')[0]}")


asyncio_logger.addHandler(Collects())


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        return line


def run(loop=None):
    loop = loop or asyncio.new_event_loop()
    try:
        return loop.run_until_complete(echo())
    finally:
        loop.close()


def spied(where, name):
    original = getattr(where, name)

    def spy(*args, **kwargs):
        called.append(name)
        return original(*args, **kwargs)

    return mock.patch.object(where, name, spy)


# Replaced in asyncio

for where, name in (
    (asyncio.Handle, "_run"),
    (asyncio.TimerHandle, "_run"),
    (asyncio.Handle, "__init__"),
    (asyncio.Handle, "cancel"),
    (LOOP, "_process_events"),
    (LOOP, "_add_callback"),
    (LOOP, "_run_once"),
    (LOOP, "call_soon"),
    (LOOP, "_call_soon"),
    (LOOP, "_read_from_self"),
    (LOOP, "_add_reader"),
    (LOOP, "_add_writer"),
    (LOOP, "_remove_reader"),
    (LOOP, "create_task"),
    (LOOP, "call_exception_handler"),
    (asyncio.base_events.BaseEventLoop, "_run_once"),
    (asyncio.base_events.BaseEventLoop, "time"),
    (asyncio.selector_events._SelectorSocketTransport, "_read_ready"),
    (asyncio.selector_events._SelectorSocketTransport, "write"),
    (asyncio.selector_events._SelectorTransport, "close"),
    (asyncio.events.TimerHandle, "__init__"),
    (selectors.SelectSelector, "select"),
):
    with spied(where, name):
        result = outcome(run)
    say(f"{where.__name__}.{name}", result, sorted(set(called.taken())))

# Overridden


def overriding(base, *names):
    def make(name):
        def method(self, *args, **kwargs):
            called.append(name)
            return getattr(super(cls, self), name)(*args, **kwargs)

        return method

    cls = type("Overriding", (base,), {name: make(name) for name in names})
    return cls


for name in (
    "_process_events", "_add_callback", "_run_once", "call_soon", "call_later", "call_at", "time",
    "_timer_handle_cancelled", "_make_socket_transport", "_accept_connection", "_read_from_self",
):  # fmt: skip
    loop = overriding(LOOP, name)()
    say(f"overridden {name}", run(loop), sorted(set(called.taken())))


class Counted(asyncio.Handle):
    def _run(self):
        called.append("Counted._run")
        return super()._run()


loop = asyncio.new_event_loop()
a, b = socket.socketpair()
handle = Counted(called.append, ("in it",), loop)
loop._ready.append(handle)
loop._ready.append(asyncio.Handle(called.append, ("in a plain one",), loop))
loop.call_soon(loop.stop)
loop.run_forever()
say("a subclass of Handle", called.taken())
handle = loop.call_soon(called.append, "cancelled")
handle.cancel()
say("a cancelled handle", plain(repr(handle)), handle.cancelled())
loop.call_soon(loop.stop)
loop.run_forever()
say("a cancelled handle", called.taken())

# Contexts, and what fails in a callback

variable = contextvars.ContextVar("variable", default="outside")
context = contextvars.copy_context()
context.run(variable.set, "inside")
loop.call_soon(lambda: called.append(variable.get()), context=context)
loop.call_soon(lambda: called.append(variable.get()))
loop.add_reader(b, lambda: (b.recv(1), called.append(f"reader {variable.get()}")))
a.send(b"1")
loop.call_later(0.05, loop.stop)
loop.run_forever()
say("contexts", called.taken())


def handler(loop, context):
    trace = context["exception"].__traceback__
    called.append((sorted(context), plain(context["message"]), frames(trace)))


def fails():
    raise ValueError("in a callback")


loop.set_exception_handler(handler)
loop.call_soon(fails)
loop.add_reader(b, lambda: (b.recv(1), fails()))
a.send(b"1")
loop.call_later(0.05, loop.stop)
loop.run_forever()
say("exceptions", *called.taken())
with mock.patch.object(loop, "call_exception_handler", side_effect=RuntimeError("by the handler")):
    loop.call_soon(fails)
    say("a handler that fails", outcome(loop.run_forever))
loop.call_soon(loop.stop)
loop.run_forever()
loop.close()

# Debug mode

loop = asyncio.new_event_loop()
loop.set_debug(True)
loop.slow_callback_duration = 0.02
asyncio_logger.setLevel(logging.WARNING)


def slow():
    time.sleep(0.05)


loop.call_soon(slow)
loop.add_reader(b, lambda: (b.recv(1), slow()))
a.send(b"1")
loop.call_later(0.2, loop.stop)
loop.run_forever()
say("slow callbacks", sorted(set(called.taken())))
handle = loop.call_soon(slow)
say("made in", [each.name for each in handle._source_traceback][-1:])
say("current handle", type(loop._current_handle).__name__)


def current():
    called.append(type(loop._current_handle).__name__)
    loop.stop()


handle.cancel()
loop.call_soon(current)
loop.run_forever()
say("current handle", called.taken())
loop.close()

# The attributes that tools look at

for cls in (asyncio.Handle, asyncio.TimerHandle):
    say(cls.__name__, cls._run.__module__, cls._run.__qualname__, type(cls._run).__name__)
for name in ("_process_events", "_run_once", "_add_callback", "call_soon"):
    value = getattr(LOOP, name)
    names = value.__name__, value.__code__.co_name, value.__qualname__.rpartition(".")[2]
    say(name, type(value).__name__, *names, inspect.signature(value))
say("selector", type(asyncio.new_event_loop()._selector).__qualname__)
