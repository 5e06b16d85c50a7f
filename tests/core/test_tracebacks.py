"""No frame of the Cython layer in a traceback, and no crash for the want of one."""

import re
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
