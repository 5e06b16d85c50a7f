"""Arbitrary arguments for every public callable, in a process of its own.

    python surface.py c|fallback SECONDS SEED

What `socket` has too must do the same there: the same result, or an exception of the same class.
What pysock adds must not crash, and raise only what is documented. Each example is written down
before it is tried: after a crash the last one is the culprit, and the seed brings it back.
"""

import array
import asyncio
import contextlib
import enum
import functools
import json
import os
import socket as stdlib
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import given as over
from hypothesis import strategies as st

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from support.arguments import Boom, Index  # noqa: E402
from support.legs import load  # noqa: E402

net = load(sys.argv[1])


class Iterates:
    def __iter__(self):
        yield b"x"
        raise Boom

    def __len__(self):
        return 10**9


class Text(str):
    pass


class Octets(bytes):
    def __len__(self):
        return 10**6


Pair = namedtuple("Pair", "host port")
Number = enum.IntEnum("Number", {"EIGHTY": 80, "STREAM": 1, "INET": 2})

# Made anew for each call: some are used up, some are written to.
ODD = {
    "object()": object,
    "Index(1)": lambda: Index(1),
    "Index(2**70)": lambda: Index(2**70),
    "Index(Boom)": lambda: Index(Boom),
    "Index('x')": lambda: Index("x"),
    "Iterates()": Iterates,
    "iter([])": lambda: iter([]),
    "iter([b'x'])": lambda: iter([b"x"]),
    "bytearray(8)": lambda: bytearray(8),
    "bytearray(0)": lambda: bytearray(0),
    "memoryview(b'ro')": lambda: memoryview(b"ro"),
    "memoryview(bytearray(9))[::2]": lambda: memoryview(bytearray(9))[::2],
    "array('i')": lambda: array.array("i", [1, 2]),
    "Text('127.0.0.1')": lambda: Text("127.0.0.1"),
    "Octets(b'xy')": lambda: Octets(b"xy"),
    "Pair('127.0.0.1', 9)": lambda: Pair("127.0.0.1", 9),
    "Number.EIGHTY": lambda: Number.EIGHTY,
    "float('nan')": lambda: float("nan"),
    "1e300": lambda: 1e300,
    "2.5": lambda: 2.5,
    "True": lambda: True,
    "None": lambda: None,
    "Ellipsis": lambda: ...,
}
BOUNDS = [-(2**63), -(2**31) - 1, -1, 0, 1, 2, 3, 6, 10, 17, 80, 255, 4096, 4097, 65535, 65536]
BOUNDS += [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64, 2**100]
# No name that asks a server: the resolver's speed is not what is tried here.
HOSTS = ["127.0.0.1", "::1", "", "0", "127.1", "0x7f.1", "256.0.0.1", "1.2.3.4.5", "::g", "a" * 300]
HOSTS += ["\ud800", "127.0.0.1 ", "::1%lo", "fe80::1%99999", "::ffff:127.0.0.1", "x" * 64 + "."]

literal = st.one_of(
    st.sampled_from(BOUNDS),
    st.integers(-5, 70_000),
    st.sampled_from(HOSTS),
    st.sampled_from([host.encode("utf-8", "replace") for host in HOSTS]),
    st.binary(max_size=20),
    st.floats(-2, 5000),
)
scalar = st.one_of(
    literal.map(lambda value: (repr(value), lambda: value)),
    st.sampled_from(sorted(ODD)).map(lambda name: (name, ODD[name])),
)
host_and_port = st.tuples(
    st.sampled_from(HOSTS).map(lambda value: (repr(value), lambda: value)),
    st.one_of(st.sampled_from([0, 1, 9, 65535, 65536, -1]), st.integers(0, 9)).map(
        lambda value: (repr(value), lambda: value)
    ),
)


def collected(kind):
    def make(items):
        text = f"{kind.__name__}({', '.join(item[0] for item in items)})"
        return text, lambda: kind([item[1]() for item in items])

    return make


value = st.one_of(
    scalar,
    host_and_port.map(collected(tuple)),
    st.lists(scalar, max_size=5).map(collected(tuple)),
    st.lists(scalar, max_size=5).map(collected(list)),
    st.lists(st.lists(scalar, max_size=4).map(collected(tuple)), max_size=3).map(collected(list)),
)

DANGEROUS = {"sethostname", "close", "dup", "fromfd", "fromshare", "send_fds", "recv_fds"}
# These ask servers about an address, or wait for one.
SLOW = {"getfqdn", "gethostbyaddr", "getnameinfo", "gethostbyname_ex", "create_connection"}
FUNCTIONS = sorted(
    name
    for name in stdlib.__all__
    if callable(getattr(stdlib, name))
    and not isinstance(getattr(stdlib, name), type)
    and name not in DANGEROUS | SLOW
)
METHODS = sorted(
    name
    for name in dir(stdlib.socket)
    if not name.startswith("_") and callable(getattr(stdlib.socket, name))
)
ADDED = sorted(set(dir(net.socket)) - set(dir(stdlib.socket)))
ADDED_FUNCTIONS = sorted(
    name
    for name in getattr(net, "EXTENDED", [])
    if callable(getattr(net, name)) and name not in ("install", "installed", "uninstall")
)
# What takes asyncio's own arguments, and refuses them as asyncio does.
AS_IN_ASYNCIO = {"EventLoop": asyncio.SelectorEventLoop, "run": asyncio.run}
DOCUMENTED = (
    OSError,
    TypeError,
    ValueError,
    OverflowError,
    BufferError,
    MemoryError,
    EOFError,
    Boom,
)
DOCUMENTED += (RuntimeError, IndexError)
KINDS = ["stream", "datagram", "listener", "closed", "tcp", "inet6", "timeout"]


@contextlib.contextmanager
def sockets(module, kind):
    """A socket of *kind* with something to receive, as *module* makes it, and its peer."""
    with contextlib.ExitStack() as stack:
        if kind in ("stream", "timeout", "closed"):
            a, b = map(stack.enter_context, module.socketpair())
            stdlib.socket.send(b, b"0123456789")
        elif kind == "datagram":
            a, b = (
                stack.enter_context(module.socket(stdlib.AF_INET, stdlib.SOCK_DGRAM))
                for _ in range(2)
            )
            a.bind(("127.0.0.1", 0))
            stdlib.socket.sendto(b, b"0123456789", a.getsockname())
        elif kind == "inet6":
            a = b = stack.enter_context(module.socket(stdlib.AF_INET6, stdlib.SOCK_DGRAM))
        else:
            a = stack.enter_context(module.create_server(("127.0.0.1", 0)))
            b = a
            if kind == "tcp":
                b = stack.enter_context(module.create_connection(a.getsockname()))
                a = stack.enter_context(a.accept()[0])
        a.settimeout(0.01 if kind == "timeout" else 0)
        if kind == "closed":
            a.close()
        yield a, b


def shown(result):
    """A result as it can be compared: what is each process's, or each socket's own, by its type."""
    if isinstance(result, stdlib.socket):
        result.close()
        return "socket"
    if isinstance(result, (list, tuple)):
        return type(result).__name__, tuple(shown(item) for item in result)
    if isinstance(result, (str, bytes, bool, type(None))):
        return repr(result)
    if isinstance(result, (int, float)):
        # Ports and descriptors are the kernel's choice.
        return type(result).__name__, result if -2 <= result < 5000 else None
    if hasattr(result, "close"):
        result.close()
    return type(result).__name__


def outcome(call):
    try:
        return shown(call())
    except Exception as error:
        return type(error)


def call_with(target, given):
    return outcome(lambda: target(*[make() for _, make in given]))


OF_ARGUMENTS = {TypeError, ValueError, OverflowError, BufferError, Boom}


def is_same(got, expected, given):
    """The same; or where several arguments are wrong, an exception about another one of them."""
    if len(given) > 1 and {got, expected} <= OF_ARGUMENTS:
        return True
    return got == expected


tried = {"shared": 0, "added": 0}


def note(*example):
    os.write(2, (json.dumps(example) + "\n").encode())


def function_is_as_in_socket(name, given):
    if differs_by_design(name, given):
        return
    note(name, [text for text, _ in given])
    tried["shared"] += 1
    before = stdlib.getdefaulttimeout()
    expected = call_with(getattr(stdlib, name), given)
    stdlib.setdefaulttimeout(before)
    got = call_with(getattr(net, name), given)
    stdlib.setdefaulttimeout(before)
    assert is_same(got, expected, given), (name, given, got, expected)


TAKES_AN_ADDRESS = "bind connect connect_ex sendto sendmsg create_connection create_server".split()


def differs_by_design(name, given):
    """Is one of *given* an address that pysock takes and `socket` refuses, or the reverse?"""
    return name in TAKES_AN_ADDRESS and any(
        is_of_an_added_form(made) or has_nul_inside(made) for made in (make() for _, make in given)
    )


def is_of_an_added_form(address):
    """A host as an int, a port as a str: docs/guide/addresses.md."""
    return (
        isinstance(address, tuple)
        and len(address) >= 2
        and (isinstance(address[0], int) or isinstance(address[1], str))
    )


def has_nul_inside(path):
    """A path that the kernel would cut there: refused."""
    return isinstance(path, (bytes, bytearray, memoryview, array.array)) and 0 in bytes(path)[1:]


def method_is_as_in_socket(name, kind, given):
    if differs_by_design(name, given):
        return
    note(name, kind, [text for text, _ in given])
    tried["shared"] += 1
    outcomes = []
    for module in (net, stdlib):
        for path in os.listdir(os.curdir):
            os.unlink(path)
        with sockets(module, kind) as (sock, peer):
            if name == "detach" and not given and kind != "closed":
                os.close(sock.detach())
                continue
            did = [call_with(getattr(sock, name), given)]
            with contextlib.suppress(OSError):
                stdlib.socket.setblocking(peer, False)
                did.append(outcome(functools.partial(stdlib.socket.recv, peer, 100)))
            outcomes.append(did)
    if outcomes:
        (got, *peers), (expected, *peers_expected) = outcomes
        assert is_same(got, expected, given), (name, kind, given, outcomes)
        assert peers == peers_expected, (name, kind, given, outcomes)


def must_be_documented(result, *example):
    if isinstance(result, type):
        assert issubclass(result, DOCUMENTED), (result, *example)


def added_method_raises_what_it_says(name, kind, given):
    note(name, kind, [text for text, _ in given])
    tried["added"] += 1
    with sockets(net, kind) as (sock, _):
        must_be_documented(call_with(getattr(sock, name), given), name, kind, given)


def added_function_raises_what_it_says(name, given):
    note(name, [text for text, _ in given])
    tried["added"] += 1
    hold = net.get_gil_hold()
    got = call_with(getattr(net, name), given)
    net.set_gil_hold(hold)
    if name in AS_IN_ASYNCIO:
        expected = call_with(AS_IN_ASYNCIO[name], given)
        both_made = not isinstance(got, type) and not isinstance(expected, type)
        assert both_made or is_same(got, expected, given), (name, given, got, expected)
    else:
        must_be_documented(got, name, given)


def batch_raises_what_it_says(slots, size, name, kind, given):
    note("DatagramBatch", slots, size, name, kind, [text for text, _ in given])
    tried["added"] += 1
    batch = net.DatagramBatch(slots, size)
    with sockets(net, kind) as (sock, _):
        with contextlib.suppress(OSError):
            batch.recv_into(sock)
        method = getattr(batch, name)
        result = outcome(lambda: method(sock, *[make() for _, make in given]))
        must_be_documented(result, name, kind, given)
        result = call_with(method, given)
        must_be_documented(result, name, kind, given)
        for datagram in batch:
            repr((datagram, bytes(datagram), datagram.address, datagram.data, datagram.tos))


values = st.lists(value, max_size=4)
kinds = st.sampled_from(KINDS)
batch_names = st.sampled_from(["recv_into", "send", "__getitem__", "__len__"])
PROPERTIES = {
    function_is_as_in_socket: (st.sampled_from(FUNCTIONS), values),
    method_is_as_in_socket: (st.sampled_from(METHODS), kinds, values),
    added_method_raises_what_it_says: (st.sampled_from(ADDED), kinds, values),
    added_function_raises_what_it_says: (st.sampled_from(ADDED_FUNCTIONS), values),
    batch_raises_what_it_says: (
        st.integers(1, 5),
        st.integers(1, 3000),
        batch_names,
        kinds,
        values,
    ),
}


def main():
    until = time.monotonic() + float(sys.argv[2])
    number = int(sys.argv[3])
    os.chdir(tempfile.mkdtemp())  # where paths of AF_UNIX end up
    chosen = settings(
        max_examples=200,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < until:
        for test, strategies in PROPERTIES.items():
            note("seed", number)
            seed(number)(chosen(over(*strategies)(test)))()
        number += 1
    print(json.dumps(tried))


if __name__ == "__main__":
    main()
