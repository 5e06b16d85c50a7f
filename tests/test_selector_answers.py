"""EpollSelector is asked what selectors.EpollSelector is asked: the answers are the same."""

import enum
import gc
import re
import selectors
import socket
import types

import pytest

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Numbered(int):
    """A descriptor, by a class of its own."""


class Counting:
    """Answers with another descriptor each time."""

    def __init__(self, *fds):
        self.fds = list(fds)

    def fileno(self):
        return self.fds.pop(0)

    def __repr__(self):
        return f"<Counting {self.fds}>"


def mapped(s, *fds):
    """A selector for which the number of a file object is something else."""
    cls = type(s)

    class Mapped(cls):
        def _fileobj_lookup(self, fileobj):
            return dict(zip((7001, 7002), fds, strict=True)).get(fileobj, fileobj)

    return Mapped()


def by_the_map(s, a, b):
    with mapped(s, a.fileno(), b.fileno()) as selector:
        done = [selector.register(7001, WRITE), selector.select(0), selector.modify(7001, READ)]
        return done, selector.unregister(7001), list(selector.get_map())


class Asked(enum.IntFlag):
    READING = READ
    BOTH = READ | WRITE


class Unequal:
    def __eq__(self, other):
        raise ZeroDivisionError


def closed(sock):
    sock.close()
    return sock


ASKED = {
    "registered": lambda s, a, b: (s.register(a, READ), s.get_key(a), s.get_map()[a.fileno()]),
    "by number": lambda s, a, b: s.register(a.fileno(), READ | WRITE, "data"),
    "by a number of its own class": lambda s, a, b: s.register(Numbered(a.fileno()), WRITE),
    "by keyword": lambda s, a, b: s.register(fileobj=a, events=WRITE, data=7),
    "a mask of a class": lambda s, a, b: (s.register(a, Asked.READING), s.modify(a, Asked.BOTH)),
    "twice": lambda s, a, b: [s.register(a, READ) for _ in range(2)],
    "twice, by number": lambda s, a, b: (s.register(a, READ), s.register(a.fileno(), READ)),
    "no mask": lambda s, a, b: s.register(a, 0),
    "too much of a mask": lambda s, a, b: s.register(a, 4),
    "a negative mask": lambda s, a, b: s.register(a, -1),
    "a huge mask": lambda s, a, b: s.register(a, 1 << 80),
    "a mask in words": lambda s, a, b: s.register(a, "read"),
    "a mask and no file": lambda s, a, b: s.register("a", 8),
    "True for a mask": lambda s, a, b: (s.register(a, True), s.unregister(a)),
    "no file": lambda s, a, b: s.register("a", READ),
    "None": lambda s, a, b: s.register(None, READ),
    "negative": lambda s, a, b: s.register(-1, READ),
    "huge": lambda s, a, b: s.register(1 << 40, READ),
    "nobody's": lambda s, a, b: s.register(1 << 20, READ),
    "closed": lambda s, a, b: s.register(closed(a), READ),
    "a regular file": lambda s, a, b: s.register(open(__file__), READ),
    "itself": lambda s, a, b: s.register(s, READ),
    "unregistered": lambda s, a, b: (s.register(a, READ, b"x"), s.unregister(a), len(s.get_map())),
    "unregistered, and again": lambda s, a, b: (
        s.register(a, READ),
        s.unregister(a.fileno()),
        s.register(a, WRITE),
        s.select(0),
    ),
    "unregistered, unknown": lambda s, a, b: s.unregister(a),
    "unregistered, no file": lambda s, a, b: s.unregister("a"),
    "unregistered, negative": lambda s, a, b: s.unregister(-5),
    "unregistered when closed": lambda s, a, b: (s.register(a, READ), s.unregister(closed(a))),
    "unregistered behind its back": lambda s, a, b: (
        s.register(a, READ),
        s._selector.unregister(a),
        s.unregister(a),
    ),
    "modified": lambda s, a, b: (s.register(a, READ), s.modify(a, WRITE), s.select(0)),
    "modified and back": lambda s, a, b: (
        s.register(a, READ | WRITE),
        s.select(0),
        s.modify(a, READ),
        s.select(0),
        s.modify(a.fileno(), READ | WRITE, "x"),
        s.select(0),
    ),
    "a file object with two descriptors, registered": lambda s, a, b: (
        s.register(a, READ),
        s.register(Counting(a.fileno(), b.fileno()), READ),
    ),
    "a file object with two descriptors, unregistered": lambda s, a, b: (
        s.register(a, READ),
        s.unregister(Counting(b.fileno(), a.fileno())),
    ),
    "a file object with two descriptors, modified": lambda s, a, b: (
        s.register(a, READ),
        s.modify(Counting(b.fileno(), a.fileno()), WRITE),
    ),
    "a look-up of one's own": by_the_map,
    "a mask that is huge, and a hang-up": lambda s, a, b: (
        s.register(a, READ),
        s.modify(a, 1 << 40),
        b.close(),
        s.select(0),
    ),
    "a key of somebody's": lambda s, a, b: (
        s._fd_to_key.update({a.fileno(): types.SimpleNamespace(fileobj=a, events=READ | WRITE)}),
        s._selector.register(a, WRITE),
        s.select(0),
        s.modify(a, READ),
    ),
    "a key that is none": lambda s, a, b: (
        s.register(a, WRITE),
        s.select(0),
        s._fd_to_key.update({a.fileno(): "key"}),
        s.select(0),
    ),
    "a key that is a tuple": lambda s, a, b: (
        s.register(a, WRITE),
        s._fd_to_key.update({a.fileno(): ()}),
        s.modify(a, READ),
    ),
    "modified data": lambda s, a, b: (
        s.register(a, WRITE, 1),
        s.select(0),
        s.modify(a, WRITE, 2),
        s.select(0),
        s.get_key(a),
    ),
    "modified to the same": lambda s, a, b: s.register(a, WRITE, 1) is s.modify(a, WRITE, 1),
    "modified to a subclass's same": lambda s, a, b: (
        s.register(a, WRITE, 1) is s.modify(a, Asked(WRITE), 1)
    ),
    "modified to nothing": lambda s, a, b: (
        s.register(a, WRITE),
        s.select(0),
        s.modify(a, 0),
        s.select(0),
    ),
    "modified to too much": lambda s, a, b: (s.register(a, READ), s.modify(a, 7), s.select(0)),
    "modified to words": lambda s, a, b: (s.register(a, READ), s.modify(a, "write")),
    "modified, unknown": lambda s, a, b: s.modify(a, READ),
    "modified, no file": lambda s, a, b: s.modify("a", READ),
    "modified when closed": lambda s, a, b: (s.register(a, READ), s.modify(closed(a), WRITE)),
    "modified behind its back": lambda s, a, b: (
        s.register(a, READ),
        s._selector.unregister(a),
        s.modify(a, WRITE),
    ),
    "modified to what compares to nothing": lambda s, a, b: (
        s.register(a, WRITE, Unequal()),
        s.modify(a, READ | WRITE, Unequal()),
    ),
    "registered after close": lambda s, a, b: (s.close(), s.register(a, READ)),
    "unregistered after close": lambda s, a, b: (s.register(a, READ), s.close(), s.unregister(a)),
    "modified after close": lambda s, a, b: (s.register(a, READ), s.close(), s.modify(a, WRITE)),
    "cleared": lambda s, a, b: (s.register(a, WRITE), s._fd_to_key.clear(), s.select(0)),
    "replaced": lambda s, a, b: (
        s.register(a, WRITE),
        s.select(0),
        s._fd_to_key.update({a.fileno(): s.get_key(a)._replace(data="new")}),
        s.select(0),
    ),
}


def told(cls, ask):
    """What comes of *ask*, in words. The numbers of the two sockets are the same for each *cls*."""
    selector = cls()
    a, b = socket.socketpair()
    try:
        outcome = ask(selector, a, b)
    except Exception as error:
        outcome = (type(error), error.args if isinstance(error, OSError) else str(error))
    told = (repr(outcome), sorted(map(repr, (selector.get_map() or {}).values())))
    for closing in (a, b, selector):
        closing.close()
    gc.collect()  # what was opened and not kept
    return [re.sub("0x[0-9a-f]+|[A-Za-z]*EpollSelector", "_", text) for text in map(str, told)]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_answers_are_those_of_the_standard_library(pysock, ask):
    assert told(pysock.EpollSelector, ask) == told(selectors.EpollSelector, ask)
