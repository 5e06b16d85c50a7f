"""The traceback of a KeyboardInterrupt, wherever it comes."""

import asyncio
import os
import selectors
import signal
import socket
import threading

from shown import frames, in_thread, say, when_blocked

main_thread = threading.main_thread()
signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def report(label, call):
    try:
        call()
    except KeyboardInterrupt as error:
        # The last frame may be that of the handler.
        say(label, [name for name in frames(error.__traceback__) if name != "report"])
    else:
        say(label, "nothing came")


def report_blocked(label, call):
    report(label, lambda: (in_thread(when_blocked, main_thread, call.__name__, interrupt), call()))


# In a callback


def callback():
    interrupt()
    for _ in range(1000):
        pass


def raising():
    raise KeyboardInterrupt


def callback_in_a_loop(function, schedule):
    def run():
        loop = asyncio.new_event_loop()
        try:
            schedule(loop, function)
            loop.run_forever()
        finally:
            loop.close()

    return run


def when_readable(loop, function):
    a.send(b"1")
    loop.add_reader(b, lambda: (b.recv(1), function()))


a, b = socket.socketpair()
for function in (callback, raising):
    for name, schedule in {
        "call_soon": lambda loop, function: loop.call_soon(function),
        "call_later": lambda loop, function: loop.call_later(0.001, function),
        "add_reader": when_readable,
    }.items():
        report(f"{function.__name__} by {name}", callback_in_a_loop(function, schedule))


async def task():
    raise KeyboardInterrupt


def run_a_task():
    asyncio.run(task())


report("a task", run_a_task)

# While something waits


def idle_loop():
    loop = asyncio.new_event_loop()
    try:
        loop.run_forever()
    finally:
        loop.close()


def idle_selector():
    with selectors.EpollSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        selector.select()


def idle_recv():
    b.recv(1)


def idle_accept():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.accept()


def idle_accept_with_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        listener.accept()


def idle_readinto():
    with b.makefile("rb", buffering=0) as raw:
        raw.readinto(bytearray(1))


for function in (
    idle_loop,
    idle_selector,
    idle_recv,
    idle_accept,
    idle_accept_with_timeout,
    idle_readinto,
):
    report_blocked(function.__name__, function)
