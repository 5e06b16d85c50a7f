"""Bad arguments of every method of `socket.socket`: the same exception, in the same words.

For each method one call that is right, and then calls in which one thing is wrong. What the
standard library's method raises is what pysock's raises, class and text.
"""

import functools
import inspect
import os
import socket
import tempfile

import pytest
from support.oracle import Index, outcome
from support.parameter_ids import shown


class Boom(Exception):
    pass


class Raising:
    """A number, a buffer, an iterable that raises when it is asked."""

    def __index__(self):
        raise Boom("of an index")

    def __iter__(self):
        raise Boom("of an iterable")


class WrongKind:
    def __index__(self):
        return "not a number"

    def __iter__(self):
        return 5


def interrupted():
    yield b"x"
    raise TypeError("of a generator")


NOT_INTS = [
    "text", b"bytes", None, 1.5, float("nan"), 1j, [], (), {}, object(), len, Raising(),
    WrongKind(),
]  # fmt: skip
INTS = [
    -1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1,
    2**64, 2**80, -(2**80), True, Index(2**31), Index(-(2**31) - 1), Index(2**63), Index(2**80),
    Index(-1),
]  # fmt: skip
NOT_BUFFERS = [
    "text", None, 5, 1.5, [], [b"x"], (), {}, object(), len, Raising(), memoryview(b"abcd")[::2],
]  # fmt: skip
READ_ONLY = [b"bytes", memoryview(b"abc"), memoryview(bytearray(4))[::2]]
ITEMS = [[item] for item in (*NOT_BUFFERS, *READ_ONLY)]
NOT_ITERABLES = ["text", b"bytes", None, 5, 1.5, object(), len, Raising(), WrongKind(), {}, {1: 2}]
CONTROL = [
    *([item] for item in (*NOT_BUFFERS, b"abc", "abc")),
    [()], [(1,)], [(1, 2)], [(1, 2, b"", 4)], [[1, 2, "text"]],
    *([(number, 2, b"")] for number in (*NOT_INTS, 2**31, 2**63, -(2**80))),
    *([(1, number, b"")] for number in (*NOT_INTS, 2**31, 2**63, -(2**80))),
    *([(1, 2, data)] for data in NOT_BUFFERS),
]  # fmt: skip
ADDRESSES = [
    "text", b"bytes", None, 5, 1.5, [], (), {}, object(), len, Raising(), ("127.0.0.1",),
    ("127.0.0.1", 1, 2), ["127.0.0.1", 1], ("127.0.0.1", 1.5), ("127.0.0.1", None),
    ("127.0.0.1", -1), ("127.0.0.1", 65536), ("127.0.0.1", 2**31), ("127.0.0.1", 2**80),
    ("127.0.0.1", Raising()), (None, 1), (1.5, 1), ([], 1), ("a\0b", 1), (b"a\0b", 1),
]  # fmt: skip
NUMBER = [*NOT_INTS, *INTS]


def pair(net):
    """A stream socket that has received 10 bytes, and its peer."""
    a, b = net.socketpair()
    b.sendall(b"0123456789")
    a.settimeout(0.01)
    return a, b


def datagram(net):
    sock = net.socket(net.AF_INET, net.SOCK_DGRAM)
    sock.setblocking(False)
    return (sock,)


def listener(net):
    sock = net.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    return (sock,)


def file():
    return tempfile.TemporaryFile()


PEER = ("127.0.0.1", 9)
LEVEL, NAME = socket.SOL_SOCKET, socket.SO_KEEPALIVE

# Of each method: who makes the socket, the forms of a right call, and what is wrong at each place.
METHODS = {
    "__init__": (datagram, [(1, 1, 0, None)], [NUMBER, NUMBER, NUMBER, NUMBER]),
    "accept": (listener, [()], []),
    "bind": (datagram, [(("127.0.0.1", 0),)], [ADDRESSES]),
    "close": (pair, [()], []),
    "connect": (datagram, [(PEER,)], [ADDRESSES]),
    "connect_ex": (datagram, [(PEER,)], [ADDRESSES]),
    "detach": (pair, [()], []),
    "dup": (pair, [()], []),
    "fileno": (pair, [()], []),
    "get_inheritable": (pair, [()], []),
    "getblocking": (pair, [()], []),
    "getpeername": (pair, [()], []),
    "getsockname": (pair, [()], []),
    "getsockopt": (pair, [(LEVEL, NAME), (LEVEL, NAME, 0)], [NUMBER, NUMBER, NUMBER]),
    "gettimeout": (pair, [()], []),
    "listen": (listener, [(), (1,)], [NUMBER]),
    "makefile": (pair, [(), ("rb", 0)], [NUMBER, NUMBER]),
    "recv": (pair, [(4,), (4, 0)], [NUMBER, NUMBER]),
    "recv_into": (
        pair,
        [(bytearray(4),), (bytearray(4), 0), (bytearray(4), 2, 0)],
        [NOT_BUFFERS + READ_ONLY, [*NUMBER, 5], NUMBER],
    ),
    "recvfrom": (pair, [(4,), (4, 0)], [NUMBER, NUMBER]),
    "recvfrom_into": (
        pair,
        [(bytearray(4),), (bytearray(4), 0), (bytearray(4), 2, 0)],
        [NOT_BUFFERS + READ_ONLY, [*NUMBER, 5], NUMBER],
    ),
    "recvmsg": (pair, [(4,), (4, 0), (4, 0, 0)], [NUMBER, NUMBER, NUMBER]),
    "recvmsg_into": (
        pair,
        [([bytearray(4)],), ([bytearray(4)], 0), ([bytearray(4)], 0, 0)],
        [NOT_ITERABLES + ITEMS, NUMBER, NUMBER],
    ),
    "send": (pair, [(b"x",), (b"x", 0)], [NOT_BUFFERS, NUMBER]),
    "sendall": (pair, [(b"x",), (b"x", 0)], [NOT_BUFFERS, NUMBER]),
    "sendfile": (pair, [(file,), (file, 0), (file, 0, None)], [NUMBER, NUMBER, NUMBER]),
    "sendmsg": (
        datagram,
        [([b"x"],), ([b"x"], []), ([b"x"], [], 0), ([b"x"], [], 0, PEER)],
        [NOT_ITERABLES + ITEMS, NOT_ITERABLES + CONTROL, NUMBER, ADDRESSES],
    ),
    "sendmsg_afalg": (pair, [()], []),
    "sendto": (datagram, [(b"x", PEER), (b"x", 0, PEER)], [NOT_BUFFERS, NUMBER, ADDRESSES]),
    "set_inheritable": (pair, [(False,)], [NUMBER]),
    "setblocking": (pair, [(False,)], [NUMBER]),
    "setsockopt": (
        pair,
        [(LEVEL, NAME, 1), (LEVEL, NAME, None, 4)],
        [NUMBER, NUMBER, NUMBER + NOT_BUFFERS, NUMBER],
    ),
    "settimeout": (pair, [(1,)], [NUMBER]),
    "shutdown": (pair, [(socket.SHUT_RD,)], [NUMBER]),
}
if not hasattr(socket.socket, "sendmsg_afalg"):
    del METHODS["sendmsg_afalg"]


def test_the_table_has_every_method():
    names = {name for name in dir(socket.socket) if callable(getattr(socket.socket, name))}
    public = {name for name in names if not name.startswith("_")}
    assert set(METHODS) == public | {"__init__"}


def wrong_values(name):
    """Calls in which one argument is not what it should be."""
    _, forms, places = METHODS[name]
    for form in forms:
        for place in range(len(form)):
            # Of sendto the address is the last argument of both forms.
            of_place = places[-1] if name == "sendto" and place == len(form) - 1 else places[place]
            for value in of_place:
                yield (*form[:place], value, *form[place + 1 :]), {}


def wrong_counts(name):
    """Calls with too few arguments, too many, or arguments by a name."""
    _, forms, _ = METHODS[name]
    longest = forms[-1]
    for count in range(len(longest)):
        yield longest[:count], {}
    for more in range(1, 4):
        yield longest + (None,) * more, {}
    for names in ("data", "buffer", "buffers", "bufsize", "flags", "address", "backlog", "value"):
        for form in forms:
            yield form, {names: 1}
            yield form[:-1], {names: form[-1] if form else 1}


def attempt(net, name, arguments, names):
    sock, *rest = METHODS[name][0](net)
    opened = []

    def call():
        given = [one() if one is file else one for one in arguments]
        opened.extend(one for one in given if hasattr(one, "fileno"))
        if name == "__init__":
            result = net.socket(*given, **names)
        else:
            # Not bound: a text about a keyword then names the class, as that of `sock.name()` does.
            result = getattr(net.socket, name)(sock, *given, **names)
        if name == "detach":
            os.close(result)
        if name == "accept":
            result = result[0]
        if hasattr(result, "close"):
            result.close()

    try:
        return outcome(call)
    finally:
        for one in (sock, *rest, *opened):
            one.close()


@functools.cache
def replaces_exceptions():
    """Whether `socket` itself raises TypeError for whatever an iterable of buffers raises."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises((Boom, TypeError)) as caught:
        sock.sendmsg(Raising())
    return caught.type is TypeError


def differences(pysock, name, calls):
    found = {}
    for arguments, names in calls:
        expected = attempt(socket, name, arguments, names)
        got = attempt(pysock, name, arguments, names)
        if got != expected and not (got[0] is Boom and replaces_exceptions()):
            found[shown((arguments, names))] = got, expected
    return found


@pytest.mark.parametrize("name", METHODS)
def test_a_wrong_argument(pysock, name):
    assert not differences(pysock, name, wrong_values(name))


@pytest.mark.parametrize("name", METHODS)
def test_a_wrong_number_of_arguments(pysock, name):
    assert not differences(pysock, name, wrong_counts(name))


@pytest.mark.parametrize("name", METHODS)
def test_a_keyword_of_a_bound_method(pysock, name):
    """The text is the interpreter's, but for the class in front, which it may have or not."""
    make, forms, _ = METHODS[name]
    said = []
    for net in (socket, pysock):
        ends = make(net)
        try:
            for given in ((), *forms):
                # The one that takes them all has nothing to encrypt: OSError.
                with pytest.raises((TypeError, OSError)) as caught:
                    getattr(ends[0], name)(*[None for _ in given], no_such_keyword=1)
                said.append(str(caught.value))
        finally:
            for sock in ends:
                sock.close()
    half = len(said) // 2
    for expected, got in zip(said[:half], said[half:], strict=True):
        assert got.removeprefix("socket.") == expected.removeprefix("socket.")


def test_an_iterable_that_fails_is_asked_once(pysock):
    """What its generator raises is raised as it is: the message is not told that it is none.

    In some versions of the interpreter `socket` says that all the same, and so does the fallback.
    """
    replaced = pysock.BACKEND == "stdlib" and replaces_exceptions()
    with pysock.socket(type=socket.SOCK_DGRAM) as sock:
        for call in (sock.sendmsg, sock.recvmsg_into, lambda items: sock.sendmsg([], items)):
            with pytest.raises(TypeError, match="iterable" if replaced else "of a generator"):
                call(interrupted())


FUNCTIONS = {
    "gethostbyname": ("127.0.0.1",),
    "htonl": (1,),
    "htons": (1,),
    "inet_aton": ("127.0.0.1",),
    "inet_ntoa": (b"1234",),
    "inet_ntop": (socket.AF_INET, b"1234"),
    "inet_pton": (socket.AF_INET, "127.0.0.1"),
    "ntohl": (1,),
    "ntohs": (1,),
}


def test_the_table_has_every_builtin_function_that_is_replaced(pysock):
    replaced = {
        name for name, function in pysock._backend.FASTER.items() if inspect.isbuiltin(function)
    }
    assert replaced == (set(FUNCTIONS) if pysock.BACKEND == "c" else set())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_number_of_arguments_of_a_function(pysock, name):
    right = FUNCTIONS[name]
    for arguments in ((), right[:-1], right + right, right * 9):
        for names in ({}, {"no_such_keyword": 1}, {"x": 1}, {"family": 1, "ip_string": "::1"}):
            expected = outcome(lambda: getattr(socket, name)(*arguments, **names))  # noqa: B023
            got = outcome(lambda: getattr(pysock, name)(*arguments, **names))  # noqa: B023
            assert got == expected, (arguments, names)
    expected = outcome(lambda: getattr(socket, name)(*right, no_such_keyword=1))
    assert outcome(lambda: getattr(pysock, name)(*right, no_such_keyword=1)) == expected
    assert getattr(pysock, name)(*right, **{}) == getattr(socket, name)(*right)
