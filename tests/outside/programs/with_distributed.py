"""distributed's profiler: an idle loop has no samples, and a stack has the functions it has."""

import asyncio
import selectors
import socket
import sys
import threading
import time

from distributed import profile
from shown import say, when_blocked

# The files whose functions distributed's own threads are idle in.
IDLE = ("profile.py", "selectors.py")
a, b = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))


def idle_loop():
    loop.run_forever()


def idle_selector():
    with selectors.DefaultSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        selector.select()
    b.recv(1)


def in_recv():
    b.recv(1)


def in_accept():
    listener.accept()[0].close()


def in_readline():
    with b.makefile("rb") as file:
        file.readline()


def names(state):
    """The functions of a tree of samples, from the thread's own on."""
    found = []
    while state["children"]:
        (state,) = state["children"].values()
        found.append(state["description"]["name"])
    return found


loop = asyncio.new_event_loop()
for function, end in {
    idle_loop: lambda: loop.call_soon_threadsafe(loop.stop),
    idle_selector: lambda: a.send(b"\n"),
    in_recv: lambda: a.send(b"\n"),
    in_readline: lambda: a.send(b"\n"),
    in_accept: lambda: socket.create_connection(listener.getsockname()).close(),
}.items():
    thread = threading.Thread(target=function)
    thread.start()

    def sampled(thread=thread, function=function):
        frame = sys._current_frames()[thread.ident]
        state = profile.create()
        profile.process(frame, None, state, omit=IDLE)
        say(function.__name__, "counted", state["count"], names(state)[-3:])
        whole = profile.create()
        profile.process(frame, None, whole)
        say(function.__name__, "whole", whole["count"], names(whole)[-5:])
        say(function.__name__, "merged", profile.merge(whole, whole)["count"])
        stack = profile.call_stack(frame)
        last = [each.split(" in ")[1].split()[0] for each in stack[-3:]]
        say(function.__name__, "call_stack", last)

        done = []
        often = {"interval": "5ms", "cycle": "5ms", "maxlen": 1000}
        watched = profile.watch(thread.ident, omit=IDLE, stop=lambda: bool(done), **often)
        while len(watched) < 8:
            time.sleep(0.005)
        done.append(True)
        with profile.lock:
            counts = {sample["count"] for _, sample in watched}
        # The newest may not have been counted yet.
        say(function.__name__, "watched", sorted(counts)[-1])

    when_blocked(thread, function.__name__, sampled)
    end()
    thread.join()
loop.close()
