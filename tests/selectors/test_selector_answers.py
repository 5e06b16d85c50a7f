"""EpollSelector is asked what selectors.EpollSelector is asked: the answers are the same."""

import enum
import gc
import os
import re
import select
import selectors
import signal
import socket
import types
from unittest import mock

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


class Mask:
    """A mask that is no number, and answers as one."""

    def __and__(self, other):
        return READ | WRITE & other

    __rand__ = __and__


class Unequal:
    def __eq__(self, other):
        raise ZeroDivisionError


def refined(s, ask, a, **names):
    """What a subclass that has these names, too, says of a socket that is ready."""
    with type("Refined", (type(s),), names)() as selector:
        selector.register(a, READ | WRITE)
        return ask(selector)


class Poller:
    """In the place of select.epoll, with no number and with a list of what it was asked."""

    def __init__(self):
        self.epoll = select.epoll()
        self.asked = []

    def __getattr__(self, name):
        if name == "fileno":
            raise AttributeError(name)
        self.asked.append(name)
        return getattr(self.epoll, name)


def taken_over(s, a):
    """By another epoll, which has the number of the one that was closed."""
    s._selector.close()
    with select.epoll() as other:
        try:
            s.register(a, WRITE)
        finally:
            assert other.poll(0) == []


def replaced(s, a):
    """As a child that was forked does, which wants a list of its own."""
    s.register(a, WRITE)
    s.select(0)
    s._selector = select.epoll()
    for fd in s.get_map():
        s._selector.register(fd, select.EPOLLOUT)
    return s.select(0)


def handled(error, ask):
    """Asked while an error is handled."""
    try:
        raise error
    except Exception:
        return ask()


def by_names(s, ask):
    """With a look-up that may fail by itself."""

    def lookup(self, fileobj):
        return {}[fileobj]

    with type("Named", (type(s),), {"_fileobj_lookup": lookup})() as selector:
        return ask(selector)


def refused(s, a):
    """A file that the system does not wait for, which is another one when it is looked up again."""
    fd = os.open(os.devnull, os.O_RDONLY)
    file = open(__file__)
    with file:
        try:
            return s.register(Counting(file.fileno(), a.fileno(), fd), READ)
        finally:
            os.close(fd)


def short_key(s, a, length):
    s.register(a, WRITE)
    s.select(0)
    key = tuple.__new__(selectors.SelectorKey, s.get_key(a)[:length])
    s._fd_to_key[a.fileno()] = key


def closed(sock):
    sock.close()
    return sock


def patched(owner, name, ask, *replacement):
    """Asked while a name is replaced, by what does the same and writes down that it was called."""
    asked = []
    original = getattr(owner, name)

    def instead(*args):
        asked.append(name)
        return original(*args)

    with mock.patch.object(owner, name, *replacement or (instead,)):
        return ask(), asked


def each_method(s, a):
    """What the methods return of a socket that can be written to."""
    return s.register(a, WRITE), s.select(0), s.modify(a, READ), s.select(0), s.unregister(a)


def patched_for(s, owner, name, a, *replacement):
    """Before, while, and after it is replaced."""
    return (
        each_method(s, a),
        patched(owner, name, lambda: each_method(s, a), *replacement),
        each_method(s, a),
    )


def of_one_instance(s, name, a, value):
    """The attribute is looked up as soon as it is set, and no more when it is deleted."""
    before = each_method(s, a)
    setattr(s, name, value)
    own = each_method(s, a.fileno())
    delattr(s, name)
    return before, own, each_method(s, a)


def listening(s, a):
    """A class that hears of all that is looked up of itself."""
    heard = []

    def getattribute(self, name):
        heard.append(name)
        return object.__getattribute__(self, name)

    with type("Listening", (type(s),), {"__getattribute__": getattribute})() as selector:
        del heard[:]
        return each_method(selector, a), heard


def mixed_in(s, a):
    """With a class between those of the standard library, by the order of the bases."""
    heard = []

    class Between(selectors._BaseSelectorImpl):
        def register(self, fileobj, events, data=None):
            heard.append("register")
            return super().register(fileobj, events, data)

        def unregister(self, fileobj):
            heard.append("unregister")
            return super().unregister(fileobj)

    with type("Mixed", (type(s), Between), {})() as selector:
        return each_method(selector, a), heard


def that_calls_up(s, a):
    """With the methods overridden and called, as many subclasses do."""
    heard = []

    class Up(type(s)):
        def register(self, fileobj, events, data=None):
            heard.append("register")
            return super().register(fileobj, events, data)

        def unregister(self, fileobj):
            heard.append("unregister")
            return super().unregister(fileobj)

        def select(self, timeout=None):
            heard.append("select")
            return super().select(timeout)

    with Up() as selector:
        return each_method(selector, a), heard


def replaced_by_a_handler(s, a):
    """The keys, while select waits."""

    def replace(*_):
        s._fd_to_key = {a.fileno(): s.get_key(a)._replace(data="new")}
        s._selector.modify(a, select.EPOLLOUT)

    s.register(a, READ)
    before = signal.signal(signal.SIGALRM, replace)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        return s.select(5), type(s._fd_to_key)
    finally:
        signal.signal(signal.SIGALRM, before)


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
