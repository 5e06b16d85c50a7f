"""No frame of the Cython layer in a traceback, and no crash for the want of one."""

import re
import socket
import traceback

import pytest
from support.paths import ROOT

GENERATED = ROOT / "build" / "cython" / "pysock"


def clauses_that_release_a_traceback(text):
    """The places where a traceback that was fetched is released as if it were always there."""
    for fetched in re.finditer(r"__Pyx_GetException\(&\w+, &\w+, &(\w+)\)", text):
        rest = text[fetched.end() : text.index("\n}\n", fetched.end())]
        clause = rest.partition("__Pyx_GetException(&")[0]
        if f"__Pyx_DECREF({fetched[1]})" in clause:
            yield text[fetched.start() - 500 : fetched.start()]


def test_no_except_clause_needs_a_traceback(pysock):
    if pysock.BACKEND == "stdlib":
        return  # which has none of these modules
    texts = {path.name: path.read_text() for path in GENERATED.glob("_compiled/*/*.c")}
    without = {name: text for name, text in texts.items() if "_compiled/core/traceback.h" in text}
    assert len(without) > 5
    for name, text in without.items():
        assert list(clauses_that_release_a_traceback(text)) == [], name


def unregister(pysock, sock):
    with pysock.EpollSelector() as selector:
        selector.unregister(sock)


FAILING = {
    "recv": lambda p, sock: sock.recv(1),
    "recv_into": lambda p, sock: sock.recv_into(bytearray(1)),
    "recvmsg": lambda p, sock: sock.recvmsg(1),
    "recv_exactly": lambda p, sock: sock.recv_exactly(-1),
    "send": lambda p, sock: sock.send("text"),
    "sendmsg": lambda p, sock: sock.sendmsg([b"x"], [(1, 2)]),
    "sendmsg_all": lambda p, sock: sock.sendmsg_all(["text"]),
    "sendto": lambda p, sock: sock.sendto(b"x", 0, object()),
    "connect": lambda p, sock: sock.connect(b"x" * 200),
    "sendmmsg": lambda p, sock: sock.sendmmsg([b"x"], 7),
    "recvmmsg": lambda p, sock: sock.recvmmsg(-1, 10),
    "send_zerocopy": lambda p, sock: sock.send_zerocopy("text"),
    "send_fds": lambda p, sock: sock.send_fds([b"x"], ["no descriptor"]),
    "splice": lambda p, sock: p.splice(sock, sock, -5),
    "getaddrinfo": lambda p, sock: p.getaddrinfo("256.256.256.256", 1, flags=p.AI_NUMERICHOST),
    "inet_aton": lambda p, sock: p.inet_aton("256.256.256.256"),
    "parse_ancillary": lambda p, sock: p.parse_ancillary([(1, 2)]),
    "EpollSelector": unregister,
}


@pytest.mark.parametrize("fail", FAILING.values(), ids=FAILING)
def test_a_traceback_shows_no_line_of_pysocks(pysock, pair, fail):
    _, b = pair
    b.setblocking(False)
    with pytest.raises((OSError, TypeError, ValueError, KeyError)) as caught:
        fail(pysock, b)
    assert ".pyx" not in "".join(traceback.format_exception(caught.value))


# A Python function of pysock's stands in front of the standard library's, or of a C function.
WITH_A_FRAME_MORE = {
    "makefile": (lambda net, sock, refusing: sock.makefile("x"), {"c": 1, "stdlib": 1}),
    "create_connection": (
        lambda net, sock, refusing: net.create_connection(refusing),
        {"c": 1, "stdlib": 2},  # and connect() is a function there
    ),
    "__init__": (lambda net, sock, refusing: net.socket(fileno="text"), {"c": 1, "stdlib": 0}),
    "getaddrinfo": (
        lambda net, sock, refusing: net.getaddrinfo("256.1.1.1", 1, flags=net.AI_NUMERICHOST),
        {"c": 1, "stdlib": 0},
    ),
    "bind": (lambda net, sock, refusing: sock.bind("text"), {"c": 0, "stdlib": 1}),
    "sendall": (lambda net, sock, refusing: sock.sendall("text"), {"c": 0, "stdlib": 1}),
}


@pytest.mark.parametrize("call", WITH_A_FRAME_MORE)
def test_a_traceback_with_a_frame_more(pysock, call, refusing):
    fail, more = WITH_A_FRAME_MORE[call]
    lengths = []
    for net in (socket, pysock):
        with net.socket() as sock:
            with pytest.raises((OSError, TypeError, ValueError)) as caught:
                fail(net, sock, refusing)
        lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert lengths[1] - lengths[0] == more[pysock.BACKEND]
