"""Bytes from one TCP connection into another: the CPU time that the thread between them uses.

Not the time it takes: that is the sender's and the receiver's, too. These two are C, in threads of
their own that need no GIL. A pass is one MiB.
"""

import threading
from time import thread_time_ns

from bench_stream import tcp_pair
from harness import cloops
from harness.needs import C_COMPILER
from harness.row import Row, rows
from harness.variants import Timed

MIB = 1 << 20


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
    Row(
        "proxy, CPU per MiB",
        2.0,
        4.0,
        c="proxy",
        needs=(C_COMPILER,),
        block_ms=50.0,
        rounds=24,
    ),
)
def bench_proxy(socket):
    with tcp_pair(socket) as (sender, source), tcp_pair(socket) as (target, receiver):
        ends = cloops.bind("proxy_source", sender), cloops.bind("proxy_sink", receiver)
        if hasattr(socket, "splice"):

            def forward(size):
                assert socket.splice(source, target, size) == size

        else:
            forward = copying(source, target)

        def loop(n):
            threads = [threading.Thread(target=end, args=(n,)) for end in ends]
            for thread in threads:
                thread.start()
            begin = thread_time_ns()
            forward(n * MIB)
            used = thread_time_ns() - begin
            for thread in threads:
                thread.join()
            return Timed(used)

        yield loop, (sender, source, target, receiver)
