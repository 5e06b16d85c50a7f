"""Threads: beside one that computes, and many that each hold a conversation."""

import ctypes
import os
import socket as stdlib
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import repeat

from harness import cloops
from harness.computing import beside_computing
from harness.needs import C_COMPILER
from harness.row import CHILD, Row, rows

BESIDE = {"c": "send_recv", "where": CHILD, "best": False, "rounds": 12, "setups": 4}


@rows(
    Row("send+recv beside 1 computing", 20, 100, **BESIDE),
    Row("send+recv beside 1 computing, one core", 1.3, 1.8, one_core=True, **BESIDE),
    Row("send+recv beside 1 computing, timeout", 20, 100, timeout=5.0, **BESIDE),
    Row("UDP send+recv beside 1 computing", 20, 100, udp=True, **BESIDE),
    Row("UDP send+recv beside 1 computing, timeout", 20, 100, udp=True, timeout=5.0, **BESIDE),
)
def bench_beside_computing(socket, timeout=None, udp=False, one_core=False):
    """Always ready: what is received has been sent before, nothing has to be waited for."""
    data = bytes(64)
    pair = _udp_pair(socket) if udp else _socketpair(socket)
    with pair as (a, b), _on_one_core() if one_core else nullcontext():
        a.settimeout(timeout)
        b.settimeout(timeout)

        def loop(n):
            for _ in repeat(None, n):
                a.send(data)
                b.recv(64)

        yield beside_computing(loop), (a, b, 64, 64)


@contextmanager
def _on_one_core():
    """Where both threads share it, the one that computes is preempted, and gives the GIL away."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


@contextmanager
def _socketpair(socket):
    a, b = socket.socketpair()
    with a, b:
        yield a, b


@contextmanager
def _udp_pair(socket):
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with a, b:
        b.bind(("127.0.0.1", 0))
        a.connect(b.getsockname())
        yield a, b


def _echo(sock):
    """A connection's thread in a thread-per-connection server."""
    with sock:
        while data := sock.recv(4096):
            sock.sendall(data)


@contextmanager
def _conversation(socket):
    """A client, and the end of its connection that the server accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = stdlib.create_connection(listener.getsockname())
        served, _ = listener.accept()
    with client, served:
        for sock in (client, served):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client, served


@rows(
    Row(
        "echo thread beside 1 computing",
        1.3,
        needs=(C_COMPILER,),
        **{**BESIDE, "c": "echo_thread"},
    ),
    Row(
        "echo thread beside 1 computing, one core",
        needs=(C_COMPILER,),
        one_core=True,
        **{**BESIDE, "c": "echo_thread"},
    ),
)
def bench_echo_beside_computing(socket, one_core=False):
    """A round trip through a blocking server thread; the client is in C, without the GIL."""
    conversations = _conversation(socket), _conversation(stdlib)
    core = _on_one_core() if one_core else nullcontext()
    with conversations[0] as (client, served), conversations[1] as (c_client, c_served), core:
        server = threading.Thread(target=_echo, args=(served,))
        server.start()
        yield beside_computing(cloops.bind("ping_pong", client, 64)), (c_client, c_served, 64)
        client.shutdown(stdlib.SHUT_WR)
        server.join()


def _serve(listener):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_echo, args=(sock,), daemon=True).start()


@contextmanager
def _server_process(listener):
    """Thread per connection, in a process of its own: clients and server share no GIL."""
    alive, parent = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(parent)
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        os.read(alive, 1)  # returns when the parent closes its end, or dies
        os._exit(0)
    os.close(alive)
    try:
        yield
    finally:
        os.close(parent)
        os.waitpid(pid, 0)


def _c_connections(stack, count):
    pairs = [stack.enter_context(_conversation(stdlib)) for _ in range(count)]
    ends = [sock.fileno() for side in zip(*pairs, strict=True) for sock in side]
    return (ctypes.c_int * len(ends))(*ends)


@rows(
    *(
        Row(
            f"threads: echo of 64 B, {clients} client{'s'[: clients > 1]}",
            c="echo_threads",
            where=CHILD,
            per=clients,
            best=False,
            block_ms=30,
            rounds=48,
            setups=6,
            clients=clients,
        )
        for clients in (1, 4, 16)
    )
)
def bench_client_threads(socket, clients):
    """Every client thread a round trip: what one round trip takes when all of them ask."""
    data = bytes(64)

    def converse(sock, n):
        for _ in repeat(None, n):
            sock.sendall(data)
            sock.recv(64)

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=clients))
        stack.enter_context(_server_process(listener))
        address = listener.getsockname()
        socks = [stack.enter_context(socket.create_connection(address)) for _ in range(clients)]

        def loop(n):
            threads = [threading.Thread(target=converse, args=(sock, n)) for sock in socks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        yield loop, (_c_connections(stack, clients), clients, 64)
