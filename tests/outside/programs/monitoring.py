"""sys.monitoring: the calls that a function makes, with what is called, and what Python starts."""

import selectors
import socket
import sys

from shown import kind, say

if not hasattr(sys, "monitoring"):
    print("this interpreter has no sys.monitoring")
    sys.exit()

monitoring = sys.monitoring
EVENTS = monitoring.events
events = []


def watched():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    client.send(b"1")
    server.recv(1)
    client.sendall(b"1")
    server.recv_into(bytearray(1))
    server.setblocking(False)
    try:
        server.recv(1)
    except BlockingIOError:
        pass
    raw = client.makefile("rwb", buffering=0)
    raw.write(b"1")
    raw.close()
    socket.getaddrinfo("127.0.0.1", 1)
    socket.htons(1)
    selector = selectors.EpollSelector()
    selector.register(server, selectors.EVENT_READ)
    selector.select(0)
    selector.close()
    server.close()
    client.close()
    with listener:
        pass


def called(code, offset, callable, first):
    events.append(f"call {callable.__qualname__}, a {kind(callable)}")


def returned(code, offset, callable, first):
    events.append(f"returned {callable.__qualname__}")


def raised(code, offset, callable, first):
    events.append(f"raised {callable.__qualname__}")


monitoring.use_tool_id(monitoring.PROFILER_ID, "watched")
monitoring.register_callback(monitoring.PROFILER_ID, EVENTS.CALL, called)
monitoring.register_callback(monitoring.PROFILER_ID, EVENTS.C_RETURN, returned)
monitoring.register_callback(monitoring.PROFILER_ID, EVENTS.C_RAISE, raised)
monitoring.set_local_events(monitoring.PROFILER_ID, watched.__code__, EVENTS.CALL)
watched()
monitoring.set_local_events(monitoring.PROFILER_ID, watched.__code__, 0)
for event in events:
    say("CALL", event)
events.clear()


def started(code, offset):
    if sys._getframe(2).f_code is watched.__code__:
        events.append(f"start {code.co_name}")


def ended(code, offset, value):
    if sys._getframe(2).f_code is watched.__code__:
        events.append(f"return {code.co_name}")


monitoring.register_callback(monitoring.PROFILER_ID, EVENTS.PY_START, started)
monitoring.register_callback(monitoring.PROFILER_ID, EVENTS.PY_RETURN, ended)
monitoring.set_events(monitoring.PROFILER_ID, EVENTS.PY_START | EVENTS.PY_RETURN)
watched()
monitoring.set_events(monitoring.PROFILER_ID, 0)
for event in events:
    say("PY", event)
