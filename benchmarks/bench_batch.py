"""UDP by the batch on loopback, against the standard library's loop of sendto or recvfrom.

Every time is for a datagram, and for one direction: the other one is not in it. A pass is `COUNT`
datagrams; sockets are emptied between passes.
"""

from contextlib import contextmanager, suppress
from time import perf_counter_ns

from harness.row import Row, rows

COUNT = 64
ROOM = 1 << 22  # of the sockets' buffers, as far as the system allows


@contextmanager
def pair(socket):
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with a, b:
        for sock in (a, b):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
            for option in (33, socket.SO_RCVBUF):  # SO_RCVBUFFORCE
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, option, ROOM)
            sock.bind(("0.0.0.0", 0))
        yield a, b


def empty(sock):
    """Take what is there, without waiting, and without the batch calls under test."""
    sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sock.recv(65535)
    sock.setblocking(True)


def timed(setup, operation, clean_up):
    def loop(n):
        ns = 0
        for _ in range(n):
            setup()
            begin = perf_counter_ns()
            operation()
            ns += perf_counter_ns() - begin
            clean_up()
        return ns

    return loop


def nothing():
    pass


@rows(
    Row("sendmmsg, list, one peer, 64 B", 10, 20, c="batch_send", size=64, per=COUNT),
    Row("sendmmsg, list, one peer, 1400 B", 10, 20, c="batch_send", size=1400, per=COUNT),
    Row("send_segmented, 64 B", 20, 30, c="batch_send", size=64, per=COUNT, whole=True),
    Row("send_segmented, 1400 B", 20, 30, c="batch_send", size=1400, per=COUNT, whole=True),
)
def bench_send(socket, size, whole=False):
    with pair(socket) as (a, b):
        address = ("127.0.0.1", b.getsockname()[1])
        messages = [bytes([i]) * size for i in range(COUNT)]
        buffer = b"".join(messages)

        def one_by_one():
            for data in messages:
                a.sendto(data, address)

        if not hasattr(a, "sendmmsg"):
            operation = one_by_one
        elif whole:
            operation = lambda: a.send_segmented(buffer, size, address)  # noqa: E731
        else:
            operation = lambda: a.sendmmsg(messages, address)  # noqa: E731
        if hasattr(b, "set_gro"):
            b.set_gro(True)  # what is sent joined stays joined: the receiver's work is its own
        loop = timed(nothing, operation, lambda: empty(b))
        yield loop, (a, b, address[1], COUNT, size)


@rows(
    Row("recvmmsg, GRO, 64 B", 5, 8, c="batch_receive", size=64, per=COUNT),
    Row("recvmmsg, GRO, 1400 B", 5, 8, c="batch_receive", size=1400, per=COUNT),
    Row("DatagramBatch, GRO, 64 B", 10, 20, c="batch_receive", size=64, per=COUNT, arena=True),
    Row("DatagramBatch, GRO, 1400 B", 10, 20, c="batch_receive", size=1400, per=COUNT, arena=True),
    Row("recvmmsg, no GRO, 64 peers, 64 B", 2, 3, c="batch_receive", size=64, per=COUNT, gro=False),
    Row(
        "recvmmsg, no GRO, 64 peers, 1400 B",
        2,
        3,
        c="batch_receive",
        size=1400,
        per=COUNT,
        gro=False,
    ),
)
def bench_receive(socket, size, gro=True, arena=False):
    batch_calls = hasattr(socket, "DatagramBatch")
    with pair(socket) as (a, b):
        address = ("127.0.0.1", b.getsockname()[1])
        senders = []
        if gro:
            import pysock

            sender = pysock.socket(pysock.AF_INET, pysock.SOCK_DGRAM)
            senders.append(sender)
            messages = [bytes([i]) * size for i in range(COUNT)]
            if batch_calls:
                b.set_gro(True)
                send = lambda: sender.sendmmsg(messages, address)  # noqa: E731
            else:
                send = lambda: [sender.sendto(data, address) for data in messages]  # noqa: E731
        else:
            for i in range(COUNT):
                sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sender.bind((f"127.0.0.{i + 1}", 0))
                senders.append(sender)
            data = bytes(size)
            send = lambda: [sender.sendto(data, address) for sender in senders]  # noqa: E731
        came = []

        def one_by_one():
            for _ in range(COUNT):
                came.append(b.recvfrom(size))

        def by_list():
            got = 0
            while got < COUNT:
                came.append(b.recvmmsg(COUNT, size))
                got += len(came[-1])

        def by_arena():
            got = 0
            while got < COUNT:
                got += batch.recv_into(b)

        operation = one_by_one
        if batch_calls:
            batch = socket.DatagramBatch(COUNT, size)
            operation = by_arena if arena else by_list
        try:
            yield timed(send, operation, came.clear), (a, b, address[1], COUNT, size, int(gro))
        finally:
            for sender in senders:
                sender.close()


@rows(
    Row("echo, GSO and GRO, 64 B", 6, 10, c="batch_echo", size=64, per=COUNT),
    Row("echo, GSO and GRO, 1400 B", 6, 10, c="batch_echo", size=1400, per=COUNT),
)
def bench_echo(socket, size):
    """Receive and send back: the time of the calling thread, as on one core there is no other."""
    import pysock

    with pair(socket) as (_, b), pair(pysock) as (a, _):
        a.set_gro(True)
        address = ("127.0.0.1", b.getsockname()[1])
        a.connect(address)
        messages = [bytes([i]) * size for i in range(COUNT)]

        def one_by_one():
            for _ in range(COUNT):
                b.sendto(*b.recvfrom(size))

        def by_arena():
            got = 0
            while got < COUNT:
                got += batch.recv_into(b)
                batch.send(b)

        operation, send = one_by_one, lambda: [a.send(data) for data in messages]
        if hasattr(socket, "DatagramBatch"):
            b.set_gro(True)
            batch = socket.DatagramBatch(COUNT, size)
            operation, send = by_arena, lambda: a.sendmmsg(messages)
        yield timed(send, operation, lambda: empty(a)), (a, b, address[1], COUNT, size)


@rows(
    Row("sendmmsg, no GSO, 64 peers, 64 B", 1.3, 1.5, c="batch_send_peers", size=64, per=COUNT),
    Row("sendmmsg, no GSO, 64 peers, 1400 B", 1.3, 1.5, c="batch_send_peers", size=1400, per=COUNT),
)
def bench_send_peers(socket, size):
    """64 addresses of the loopback network, one receiver that hears them all."""
    with pair(socket) as (a, b):
        port = b.getsockname()[1]
        data = bytes(size)
        messages = [(data, (f"127.0.0.{i + 1}", port)) for i in range(COUNT)]

        def one_by_one():
            for data, address in messages:
                a.sendto(data, address)

        operation = one_by_one
        if hasattr(a, "sendmmsg"):
            operation = lambda: a.sendmmsg(messages)  # noqa: E731
        yield timed(nothing, operation, lambda: empty(b)), (a, b, port, COUNT, size)
