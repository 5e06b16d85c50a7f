"""A renamed `__code__` shows in tracebacks and stacks: it is the code that runs."""

import asyncio
import selectors
import socket
import sys
import threading

from shown import frames, say, stack, when_blocked


def rename(function):
    function.__code__ = function.__code__.replace(co_name=f"renamed_{function.__name__}")


def fails(call, *args):
    try:
        call(*args)
    except (OSError, TypeError, ValueError, ZeroDivisionError, KeyError) as error:
        renamed = [name for name in frames(error.__traceback__) if name.startswith("renamed")]
        return type(error).__name__, renamed
    return "no exception"


def one_callback():
    loop = asyncio.new_event_loop()
    caught = []
    loop.set_exception_handler(lambda loop, context: caught.append(context["exception"]))
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    raise caught[0]


for function in (
    socket.socket.accept,
    socket.socket.close,
    socket.socket.makefile,
    socket.socket.sendfile,
    socket.getaddrinfo,
    socket.create_connection,
    socket.SocketIO.readinto,
    selectors.EpollSelector.register,
    selectors.EpollSelector.select,
    asyncio.Handle._run,
):
    rename(function)

closed = socket.socket()
closed.close()
a, b = socket.socketpair()
raw = a.makefile("rb", buffering=0)
raw.close()
selector = selectors.EpollSelector()
say("accept", *fails(closed.accept))
say("makefile", *fails(closed.makefile, "x"))
say("sendfile", *fails(a.sendfile, 5, 0, -1))
say("getaddrinfo", *fails(socket.getaddrinfo, "127.0.0.1", 80, 0, 99))
say("create_connection", *fails(socket.create_connection, ("127.0.0.1", -1)))
say("readinto", *fails(raw.readinto, bytearray(1)))
say("register", *fails(selector.register, b, 0))
say("_run", *fails(one_callback))


def waiting():
    selector.select()


selector.register(b, selectors.EVENT_READ)
thread = threading.Thread(target=waiting)
thread.start()
say(
    "select",
    when_blocked(
        thread, "waiting", lambda: stack(sys._current_frames()[thread.ident], until="waiting")
    ),
)
a.send(b"1")
thread.join()
