"""A proxy: bytes from one TCP connection into another. An operation is one MiB.

The figure is the CPU time of the thread, or the program, in the middle: the time that it takes is
the sender's and the receiver's, too. These are C, in threads of their own that need no GIL. On
loopback who sends also runs the network stack of who receives: without copies that is what remains.
"""

import socket as _stdlib
import threading
from contextlib import ExitStack, contextmanager
from time import thread_time_ns

from bench_stream import tcp_pair
from harness import cloops
from harness.needs import C_COMPILER
from harness.programs import program
from harness.row import PROGRAM, Row, rows
from harness.variants import Timed

MIB = 1 << 20
CONNECTIONS = 4


@contextmanager
def running(*calls):
    threads = [threading.Thread(target=call, args=arguments) for call, *arguments in calls]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def copying(source, target):
    """What a proxy does without splice: a buffer, filled and emptied."""
    room = memoryview(bytearray(256 << 10))

    def forward(size):
        while size:
            came = source.recv_into(room[:size])
            target.sendall(room[:came])
            size -= came

    return forward


@rows(
    Row("proxy, CPU", 1.5, 2.0, c="proxy", needs=(C_COMPILER,), block_ms=50.0, rounds=24),
)
def bench_proxy(socket):
    with tcp_pair(socket) as (sender, source), tcp_pair(socket) as (target, receiver):
        ends = cloops.bind("proxy_source", sender), cloops.bind("proxy_sink", receiver)
        forward = copying(source, target)
        if hasattr(socket, "splice"):

            def forward(size):
                assert socket.splice(source, target, size) == size

        def loop(n):
            with running(*((end, n) for end in ends)):
                begin = thread_time_ns()
                forward(n * MIB)
                used = thread_time_ns() - begin
            return Timed(used)

        yield loop, (sender, source, target, receiver)


@rows(
    Row(
        f"proxy program, {CONNECTIONS} connections, CPU",
        1.7,
        2.0,
        where=PROGRAM,
        needs=(C_COMPILER,),
        block_ms=100.0,
        rounds=16,
    ),
)
def bench_proxy_program(variant):
    """Two threads a connection, as in examples/proxy.py; the bytes go one way."""
    with ExitStack() as stack:
        behind = stack.enter_context(_stdlib.create_server(("127.0.0.1", 0)))
        port = behind.getsockname()[1]
        server = stack.enter_context(program(variant, "proxy.py", port, serves=True))
        address = ("127.0.0.1", int(server.readline()))
        ends = []
        for _ in range(CONNECTIONS):
            sender = stack.enter_context(_stdlib.create_connection(address))
            receiver = stack.enter_context(behind.accept()[0])
            ends += [cloops.bind("proxy_source", sender), cloops.bind("proxy_sink", receiver)]

        def loop(n):
            before = server.cpu_ns()
            with running(*((end, n) for end in ends)):
                pass
            return Timed((server.cpu_ns() - before) // CONNECTIONS)

        yield loop, ()
