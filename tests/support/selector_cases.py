"""Selectors that are subclassed, patched and asked: what the tests of their answers are made of."""

import enum
import os
import select
import selectors
import signal
from unittest import mock

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
