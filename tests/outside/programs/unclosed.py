"""ResourceWarning: each socket that is left open, in the words and with the place of its making."""

import asyncio
import gc
import socket
import tracemalloc
import warnings

from shown import plain, say

tracemalloc.start(10)


def left_open():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    del sock


def left_listening():
    socket.create_server(("127.0.0.1", 0))


def left_accepted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()):
            listener.accept()


def left_pair():
    socket.socketpair()


def left_copy():
    with socket.socket() as sock:
        sock.dup()


def left_with_a_file():
    a, b = socket.socketpair()
    made = a.makefile("rb")
    del a
    b.close()
    del made


def left_file_alone():
    a, b = socket.socketpair()
    with a, b:
        a.makefile("rb", buffering=0)


def left_after_a_failure():
    sock = socket.socket()
    try:
        sock.connect(("127.0.0.1", 1))
    except OSError:
        pass


def left_loop():
    asyncio.new_event_loop()


def left_transport():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await asyncio.open_connection(*listener.getsockname())

    asyncio.run(main())


def closed():
    with socket.socket():
        pass


for work in (
    left_open, left_listening, left_accepted, left_pair, left_copy, left_with_a_file,
    left_file_alone, left_after_a_failure, left_loop, left_transport, closed,
):  # fmt: skip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
        gc.collect()
    for line in sorted(
        f"{each.category.__name__} {plain(str(each.message))} by {type(each.source).__name__} "
        f"{tracemalloc.get_object_traceback(each.source) is not None}"
        for each in caught
    ):
        say(work.__name__, line)
