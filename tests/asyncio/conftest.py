"""Loops to compare: those of both backends, and the plain one of asyncio."""

import asyncio
import contextlib
import gc
import socket

import pytest
from support.sock_methods import READS, nonblocking_pair, recvmmsg


@pytest.fixture(autouse=True)
def no_development_mode(monkeypatch):
    """Python's development mode turns on asyncio's debug mode, in which no loop is in C."""
    monkeypatch.setattr(asyncio.coroutines, "_is_debug_mode", lambda: False)


@pytest.fixture
def collected_garbage():
    """What the test has left is collected in the test: warnings come within its filters."""
    yield
    gc.collect()


@contextlib.contextmanager
def open_loop(make):
    loop = make()
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.fixture
def any_loop(net):
    """The loop of a backend, or asyncio's own on the leg of the standard library."""
    with open_loop(getattr(net, "EventLoop", asyncio.SelectorEventLoop)) as loop:
        yield loop


@pytest.fixture
def plain_loop():
    """asyncio's own loop, to compare with."""
    with open_loop(asyncio.SelectorEventLoop) as loop:
        yield loop


@pytest.fixture
def c_loop(pysock, only_c):
    """The loop in C, for what the other backend does not promise."""
    with open_loop(pysock.EventLoop) as loop:
        yield loop


@pytest.fixture(params=["own", "standard"])
def sockets(request, net):
    """The module that makes the sockets."""
    return net if request.param == "own" else socket


@pytest.fixture(params=READS, ids=lambda read: read.__name__)
def read(request, any_loop, sockets):
    if not hasattr(any_loop, "sock_" + request.param.__name__):
        pytest.skip("this loop has no such method")
    if request.param is recvmmsg and sockets is socket:
        pytest.skip("a socket of the standard library cannot")
    return request.param


@pytest.fixture
def datagram_pair(sockets):
    with nonblocking_pair(sockets) as (a, b):
        yield a, b


@pytest.fixture
def stream_pair(sockets):
    with nonblocking_pair(sockets, socket.SOCK_STREAM) as (a, b):
        yield a, b
