"""Where a sampler, a watchdog or faulthandler finds a thread that waits."""

import asyncio
import faulthandler
import os
import re
import selectors
import socket
import socketserver
import sys
import tempfile
import threading
import time

from shown import in_thread, say, stack, when_blocked

a, b = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))


def waiting_in_recv():
    b.recv(1)


def waiting_in_recv_with_timeout():
    b.settimeout(20)
    b.recv(1)
    b.settimeout(None)


def waiting_in_accept():
    listener.accept()[0].close()


def waiting_in_readline():
    with b.makefile("rb") as file:
        file.readline()


def waiting_in_raw_readinto():
    with b.makefile("rb", buffering=0) as file:
        file.readinto(bytearray(1))


def waiting_in_sendall():
    b.sendall(bytes(4_000_000))


def waiting_in_sendfile():
    with tempfile.TemporaryFile() as file:
        file.write(bytes(4_000_000))
        file.flush()
        b.sendfile(file)


def waiting_in_select():
    with selectors.EpollSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        selector.select()
    b.recv(1)


def waiting_in_select_with_timeout():
    with selectors.DefaultSelector() as selector:
        selector.register(b, selectors.EVENT_READ)
        selector.select(20)
    b.recv(1)


def waiting_in_asyncio():
    loop.run_forever()
    loop.close()


def waiting_in_asyncio_with_a_timer():
    timer = loop.call_later(20, print)
    loop.run_forever()
    timer.cancel()
    loop.close()


def waiting_in_a_server():
    server.serve_forever(20)
    server.server_close()


def one_byte():
    a.send(b"\n")


def drain():
    left = 4_000_000
    while left:
        left -= len(a.recv(1 << 20))


def connect():
    socket.create_connection(listener.getsockname()).close()


def stop_loop():
    loop.call_soon_threadsafe(loop.stop)


def stop_server():
    # shutdown() alone would wait for the 20 seconds.
    stops = in_thread(server.shutdown)
    while not server._BaseServer__shutdown_request:
        time.sleep(0.001)
    socket.create_connection(server.server_address).close()
    stops.join()


def dumped(thread, function):
    """What faulthandler writes of the thread, without addresses and lines."""
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        text = file.read()
    (part,) = [each for each in text.split("\n\n") if f" in {function}\n" in each]
    found = re.findall(r'File "(.*)", line \d+ in (\S+)', part)
    names = [f"{os.path.basename(path)}:{name}" for path, name in found]
    return names[: names.index(next(n for n in names if n.endswith(f":{function}")))]


for function, end in {
    waiting_in_recv: one_byte,
    waiting_in_recv_with_timeout: one_byte,
    waiting_in_accept: connect,
    waiting_in_readline: one_byte,
    waiting_in_raw_readinto: one_byte,
    waiting_in_sendall: drain,
    waiting_in_sendfile: drain,
    waiting_in_select: one_byte,
    waiting_in_select_with_timeout: one_byte,
    waiting_in_asyncio: stop_loop,
    waiting_in_asyncio_with_a_timer: stop_loop,
    waiting_in_a_server: stop_server,
}.items():
    loop = asyncio.new_event_loop()
    name = function.__name__
    if function is waiting_in_a_server:
        server = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)
    thread = threading.Thread(target=function)
    thread.start()

    def seen(thread=thread, name=name):
        frame = sys._current_frames()[thread.ident]
        say(name, "a sampler sees", stack(frame, until=name))
        say(name, "faulthandler writes", dumped(thread, name))

    when_blocked(thread, name, seen)
    end()
    thread.join()
    loop.close()
