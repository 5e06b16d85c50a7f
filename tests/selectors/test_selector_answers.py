"""EpollSelector is asked what selectors.EpollSelector is asked: the answers are the same."""

import gc
import re
import select
import selectors
import socket
import types

import pytest
from support.selector_cases import (
    READ,
    WRITE,
    Asked,
    Counting,
    Mask,
    Numbered,
    Poller,
    Unequal,
    by_names,
    by_the_map,
    closed,
    handled,
    listening,
    mixed_in,
    of_one_instance,
    patched_for,
    refined,
    refused,
    replaced,
    replaced_by_a_handler,
    short_key,
    taken_over,
    that_calls_up,
)

NO_KEY_FROM_FD = not hasattr(selectors.EpollSelector, "_key_from_fd")  # from 3.13 on

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
    "a mask of a class, returned": lambda s, a, b: (s.register(a, Asked.BOTH), s.select(0)),
    "a mask that is no number": lambda s, a, b: (s.register(a, Mask()), s.select(0)),
    "an edge": lambda s, a, b: (
        b.send(b"x"),
        refined(
            s,
            lambda selector: (selector.select(0.1), selector.select(0)),
            a,
            _EVENT_READ=select.EPOLLIN | select.EPOLLET,
        ),
    ),
    "one shot": lambda s, a, b: refined(
        s,
        lambda selector: (selector.select(0), selector.select(0)),
        a,
        _EVENT_WRITE=select.EPOLLOUT | select.EPOLLONESHOT,
    ),
    "another epoll": lambda s, a, b: refined(
        s,
        lambda selector: (
            selector.select(0),
            selector.modify(a, READ),
            selector.unregister(a),
            selector._selector.asked,
        ),
        a,
        _selector_cls=Poller,
    ),
    "keys of one's own": lambda s, a, b: (
        not hasattr(selectors.EpollSelector, "_key_from_fd")  # until 3.12
        or refined(s, lambda selector: selector.select(0), a, _key_from_fd=lambda self, fd: None)
    ),
    "a number that is another's": lambda s, a, b: taken_over(s, a),
    "another list of epoll's": lambda s, a, b: replaced(s, a),
    "another list of keys": lambda s, a, b: (
        setattr(s, "_fd_to_key", {}),
        s.register(a, WRITE),
        s.select(0),
        len(s._fd_to_key),
    ),
    "select behind its back": lambda s, a, b: (s._selector.close(), s.select(0)),
    "unregistered, unknown, while handling": lambda s, a, b: handled(
        LookupError("outer"), lambda: s.unregister(a)
    ),
    "modified, unknown, while handling": lambda s, a, b: handled(
        LookupError("outer"), lambda: s.modify(a, WRITE)
    ),
    "registered by a name that is none": lambda s, a, b: by_names(s, lambda x: x.register("a", 1)),
    "unregistered by a name": lambda s, a, b: by_names(s, lambda x: x.unregister("a")),
    "modified by a name": lambda s, a, b: by_names(s, lambda x: x.modify("a", READ)),
    "refused": lambda s, a, b: refused(s, a),
    "an empty key": lambda s, a, b: (short_key(s, a, 0), s.select(0)),
    "an empty key, modified": lambda s, a, b: (short_key(s, a, 0), s.modify(a, READ)),
    "a short key": lambda s, a, b: (short_key(s, a, 2), s.select(0)),
    "a short key, modified": lambda s, a, b: (short_key(s, a, 3), s.modify(a, WRITE, "data")),
    "a key with another number": lambda s, a, b: (
        s.register(a, READ),
        s.register(b, READ),
        s._fd_to_key.update({a.fileno(): s.get_key(a)._replace(fd=b.fileno())}),
        s.modify(a, WRITE),
        s.select(0),
    ),
    "a key that is false": lambda s, a, b: (
        s.register(a, WRITE),
        s._fd_to_key.update({a.fileno(): 0}),
        s.select(0),
    ),
    "never begun, select": lambda s, a, b: type(s).__new__(type(s)).select(0),
    "never begun, register": lambda s, a, b: type(s).__new__(type(s)).register(a, READ),
    "never begun, close": lambda s, a, b: type(s).__new__(type(s)).close(),
    "a look-up of one instance": lambda s, a, b: of_one_instance(
        s, "_fileobj_lookup", a, lambda fileobj: b.fileno()
    ),
    "keys of one instance": lambda s, a, b: (
        NO_KEY_FROM_FD or of_one_instance(s, "_key_from_fd", a, lambda fd: None)
    ),
    "a mask of one instance": lambda s, a, b: of_one_instance(
        s, "_EVENT_WRITE", a, select.EPOLLOUT | select.EPOLLONESHOT
    ),
    "a mask of one instance in the place of its map": lambda s, a, b: (
        vars(s).pop("_map") and of_one_instance(s, "_EVENT_WRITE", a, select.EPOLLPRI)
    ),
    "a look-up of its class that comes after": lambda s, a, b: patched_for(
        s, type(s), "_fileobj_lookup", a
    ),
    "a mask of its class that comes after": lambda s, a, b: patched_for(
        s, type(s), "_EVENT_WRITE", a, select.EPOLLPRI
    ),
    "a look-up of the base class that comes after": lambda s, a, b: patched_for(
        s, selectors._BaseSelectorImpl, "_fileobj_lookup", a
    ),
    "keys of the base class that come after": lambda s, a, b: (
        NO_KEY_FROM_FD or patched_for(s, selectors._BaseSelectorImpl, "_key_from_fd", a)
    ),
    "register of the base class that comes after": lambda s, a, b: patched_for(
        s, selectors._BaseSelectorImpl, "register", a
    ),
    "unregister of the base class that comes after": lambda s, a, b: patched_for(
        s, selectors._PollLikeSelector, "unregister", a
    ),
    "modify of the base class that comes after": lambda s, a, b: patched_for(
        s, selectors._PollLikeSelector, "modify", a
    ),
    "select of the base class that comes after": lambda s, a, b: patched_for(
        s, selectors.EpollSelector, "select", a
    ),
    "keys of another class": lambda s, a, b: patched_for(s, selectors, "SelectorKey", a),
    "another way to a descriptor": lambda s, a, b: patched_for(s, selectors, "_fileobj_to_fd", a),
    "a class that hears of all": lambda s, a, b: listening(s, a),
    "a class between": lambda s, a, b: mixed_in(s, a),
    "a class that calls up": lambda s, a, b: that_calls_up(s, a),
    "keys that a handler replaces": lambda s, a, b: replaced_by_a_handler(s, a),
    "a key that is None, unregistered": lambda s, a, b: (
        s._fd_to_key.update({a.fileno(): None}),
        s.unregister(a),
    ),
    "a key that is None, modified": lambda s, a, b: (
        s._fd_to_key.update({a.fileno(): None}),
        s.modify(a, READ),
    ),
    "a key that is None, registered": lambda s, a, b: (
        s._fd_to_key.update({a.fileno(): None}),
        s.register(a, READ),
    ),
    "a key with another number, unregistered": lambda s, a, b: (
        s.register(a, WRITE),
        s.register(b, WRITE),
        s._fd_to_key.update({a.fileno(): s.get_key(a)._replace(fd=b.fileno())}),
        s.unregister(a),
        s.select(0),
    ),
    "keys put there": lambda s, a, b: (
        s.register(a, WRITE, 1),
        s.select(0),
        s._fd_to_key.setdefault(a.fileno(), "not this"),
        s._fd_to_key.__ior__({a.fileno(): s.get_key(a)._replace(data=2)}),
        s.select(0),
        s._fd_to_key.popitem(),
        s.select(0),
    ),
    "keys taken away": lambda s, a, b: (
        s.register(a, WRITE),
        s.select(0),
        s._fd_to_key.__delitem__(a.fileno()),
        s.select(0),
        s._fd_to_key.pop(a.fileno(), "none"),
        s._fd_to_key.pop(a.fileno()),
    ),
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
        outcome = []
        while error is not None:
            text = error.args if isinstance(error, OSError) else str(error)
            outcome.append((type(error), text, error.__suppress_context__))
            error = error.__context__
    keys = [tuple(key) if isinstance(key, tuple) else key for key in selector._fd_to_key.values()]
    told = (repr(outcome), repr(keys))
    for closing in (a, b, selector):
        closing.close()
    gc.collect()  # what was opened and not kept
    return [re.sub("0x[0-9a-f]+|[A-Za-z]*EpollSelector", "_", text) for text in map(str, told)]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_answers_are_those_of_the_standard_library(pysock, ask):
    assert told(pysock.EpollSelector, ask) == told(selectors.EpollSelector, ask)
