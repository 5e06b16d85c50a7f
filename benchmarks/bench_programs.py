"""Whole programs, unchanged: ``python program.py`` against ``python -m pysock program.py``.

Servers are measured by the CPU time they use for a request, with a client in C, so that
neither the client nor what else runs on the machine is part of the figure.
"""

import ctypes
import re
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

from harness import cloops
from harness.needs import C_COMPILER, module, program_file
from harness.programs import Process, interpreter, program
from harness.row import PROGRAM, Row, rows
from harness.servers import redis_server
from harness.variants import C, Timed

SERVER = {"where": PROGRAM, "block_ms": 25, "rounds": 60, "setups": 5}
HAND = {"client": "redis_ping.py", "needs": (program_file("redis-server"),), **SERVER}
REDIS_PY = {**HAND, "client": "redis_get.py"}
REDIS_PY["needs"] += (module("redis"),)
RESP = {**REDIS_PY, "client": "resp_get.py", "of_variant": True}  # beside redis-py


def cpu_of(server, load):
    """A loop timed by what the server's process used of the CPU."""

    def loop(n):
        before = server.cpu_ns()
        load(n)
        return Timed(server.cpu_ns() - before)

    return loop


@rows(
    Row(
        "asyncio echo, server CPU",
        3.0,
        4.0,
        c="serve_echo",
        heap="cold",
        beside=("uvloop",),
        needs=(C_COMPILER,),
        **SERVER,
    ),
    Row(
        "asyncio echo, server CPU",
        1.08,
        1.3,
        c="serve_echo",
        heap="warm",
        beside=("uvloop",),
        needs=(C_COMPILER,),
        **SERVER,
    ),
)
def bench_asyncio_echo(variant, heap, connections=100):
    """The default loop; 100 connections, each with a message of 64 B on its way."""
    with ExitStack() as stack:
        if variant == C:
            server = program(variant, "c_echo.py", serves=True)
        else:
            server = program(variant, "asyncio_echo.py", heap, variant, serves=True)
        stack.enter_context(server)
        address = ("127.0.0.1", int(server.readline()))
        socks = [stack.enter_context(socket.create_connection(address)) for _ in range(connections)]
        fds = (ctypes.c_int * connections)(*(sock.fileno() for sock in socks))
        yield cpu_of(server, cloops.bind("echo_load", fds, connections, 64)), ()


@rows(Row("http.server, server CPU", needs=(C_COMPILER,), **SERVER))
def bench_http_server(variant):
    """``python -m http.server`` with a small file, a connection for each request."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "file").write_bytes(bytes(64))
        where = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", directory, "0"]
        with Process([*interpreter(variant), *where], variant, serves=True, quiet=True) as server:
            port = int(re.search(r"port (\d+)", server.readline())[1])
            request = "GET /file HTTP/1.0\r\nHost: localhost\r\n\r\n"
            yield cpu_of(server, cloops.bind("http_load", port, request)), ()


@rows(
    Row("redis PING by hand, round trip", clock=0, **HAND),
    Row("redis PING by hand, client CPU", clock=1, **HAND),
    Row("redis-py GET, round trip", clock=0, **REDIS_PY),
    Row("redis-py GET, client CPU", clock=1, **REDIS_PY),
    Row("RESP SET+GET on a Stream, round trip", 1.0, 2, clock=0, **RESP),
    Row("RESP SET+GET on a Stream, client CPU", clock=1, **RESP),
)
def bench_redis(variant, client, clock, of_variant=False):
    """A client with a timeout of 5 s against a real server on loopback."""
    arguments = [variant] if of_variant else []
    with redis_server() as port, program(variant, client, port, *arguments) as process:
        process.readline()

        def loop(n):
            return Timed(int(process.ask(n).split()[clock]))

        yield loop, ()
