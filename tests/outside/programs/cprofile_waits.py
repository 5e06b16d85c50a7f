"""cProfile says where a function waits: in the call that waits, and not in its caller."""

import cProfile
import os
import pstats
import selectors
import socket
import time

from shown import say

a, b = socket.socketpair()
raw = b.makefile("rb", buffering=0)
listener = socket.create_server(("127.0.0.1", 0))
selector = selectors.EpollSelector()
selector.register(b, selectors.EVENT_READ)


def one_byte():
    a.send(b"1")


def connect():
    socket.create_connection(listener.getsockname()).close()


def waits_in_recv():
    b.recv(1)


def waits_in_recv_with_timeout():
    b.settimeout(20)
    b.recv(1)
    b.settimeout(None)


def waits_in_recv_into():
    b.recv_into(bytearray(1))


def waits_in_recvmsg():
    b.recvmsg(1)


def waits_in_a_file():
    raw.readinto(bytearray(1))


def waits_in_accept():
    listener.accept()[0].close()


def waits_in_select():
    selector.select()


for function, end in {
    waits_in_recv: one_byte,
    waits_in_recv_with_timeout: one_byte,
    waits_in_recv_into: one_byte,
    waits_in_recvmsg: one_byte,
    waits_in_a_file: one_byte,
    waits_in_accept: connect,
    waits_in_select: one_byte,
}.items():
    profile = cProfile.Profile()
    begun = time.perf_counter()
    # In a process of its own: since 3.12 the profiler would hear another thread, too.
    child = os.fork()
    if not child:
        time.sleep(0.1)
        end()
        os._exit(0)
    profile.runcall(function)
    wall = time.perf_counter() - begun
    os.waitpid(child, 0)
    # By the names alone: the paths of the files differ from one machine to the next.
    by_name = sorted(pstats.Stats(profile).stats.items(), key=lambda item: item[0][2])
    for (file, _, name), (_, _, own, total, callers) in by_name:
        if any(caller[2] == function.__name__ for caller in callers) and total > wall / 2:
            # A C function has the time to itself, a Python function in what it calls.
            say(function.__name__, name, "own" if file == "~" else "with what it calls")
        elif name == function.__name__:
            say(function.__name__, "next to nothing is its own", own < wall / 4)
