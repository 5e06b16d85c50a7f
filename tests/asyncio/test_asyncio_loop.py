"""asyncio's selector loop under install(): what is ready is called, as before."""

import asyncio
import contextlib
import selectors
from asyncio import events

import pytest


class Subclass(events.Handle):
    __slots__ = ()


class Loop(asyncio.SelectorEventLoop):
    """Writes down what it is told to do, and does it."""

    def __init__(self):
        super().__init__()
        self.removed = []

    def _remove_reader(self, fd):
        self.removed.append(("reader", fd))

    def _remove_writer(self, fd):
        self.removed.append(("writer", fd))


class OwnAdd(Loop):
    def _add_callback(self, handle):
        self.removed.append("added")
        super()._add_callback(handle)


def key(*data, fd=50):
    return selectors.SelectorKey(fd, fd, 3, data)


def cancelled(handle):
    handle.cancel()
    return handle


PROCESSED = {
    "nothing": lambda h: [],
    "to read": lambda h: [(key(h(1), None), 1), (key(h(2), h(3)), 1)],
    "to write": lambda h: [(key(None, h(1)), 2), (key(h(2), h(3)), 2)],
    "both": lambda h: [(key(h(1), h(2)), 3), (key(h(3), None), 3), (key(None, h(4)), 3)],
    "neither": lambda h: [(key(h(1), h(2)), 0), (key(None, None), 3)],
    "a mask beyond": lambda h: [(key(h(1), h(2)), 7), (key(h(3), h(4)), -1), (key(h(5), None), 4)],
    "a huge mask": lambda h: [(key(h(1), h(2)), (1 << 80) + 1)],
    "True for a mask": lambda h: [(key(h(1), h(2)), True)],
    "no mask": lambda h: [(key(h(1), h(2)), "1")],
    "cancelled": lambda h: [
        (key(cancelled(h(1)), h(2)), 3),
        (key(h(3), cancelled(h(4))), 3),
        (key(h(5), cancelled(h(6))), 1),
    ],
    "a handle of a subclass": lambda h: [(key(h(1, Subclass), h(2)), 3)],
    "a handle that is none": lambda h: [(key("handle", h(1)), 3)],
    "a key that is a tuple": lambda h: [(h(1), 1), (key(h(2), None), 1)],
    "data that is a list": lambda h: [(selectors.SelectorKey(5, 5, 1, [h(1), None]), 1)],
    "too little data": lambda h: [(key(h(1), None), 1), (key(h(2)), 1), (key(h(3), None), 1)],
    "too much data": lambda h: [(key(h(1), None, None), 1)],
    "lists for tuples": lambda h: [[key(h(1), None), 1]],
    "too long": lambda h: [(key(h(1), None), 1, 1)],
    "a tuple of them": lambda h: ((key(h(1), None), 1),),
    "a generator of them": lambda h: (event for event in [(key(h(1), None), 1)]),
    "None": lambda h: None,
}


@pytest.mark.parametrize("cls", [Loop, OwnAdd])
@pytest.mark.parametrize("events_of", PROCESSED.values(), ids=PROCESSED)
def test_what_is_ready_is_called(pysock, events_of, cls):
    def outcome():
        loop = cls()
        try:
            passed = None
            make = lambda number, of=events.Handle: of(print, (number,), loop)  # noqa: E731
            try:
                assert loop._process_events(events_of(make)) is None
            except Exception as error:
                passed = type(error), str(error)
            return passed, [handle._args for handle in loop._ready], loop.removed
        finally:
            loop._ready.clear()
            loop.close()

    expected = outcome()
    with pysock.installed():
        assert outcome() == expected


def test_somebody_elses_add_callback_that_comes_after(pysock, monkeypatch):
    seen = []
    theirs = asyncio.BaseEventLoop._add_callback
    with pysock.installed():
        monkeypatch.setattr(
            asyncio.BaseEventLoop,
            "_add_callback",
            lambda self, handle: (seen.append(handle), theirs(self, handle)),
        )
        loop = asyncio.SelectorEventLoop()
        loop.call_later(0.01, loop._write_to_self)
        loop.call_later(0.1, loop.stop)
        loop.run_forever()
        loop.close()
    assert seen


def test_somebody_elses_add_callback_of_one_loop(pysock):
    loop = Loop()
    try:
        with pysock.installed():
            added = []
            loop._add_callback = added.append
            handle = events.Handle(print, (), loop)
            loop._process_events([(key(handle, None), 1)])
            assert (added, list(loop._ready)) == ([handle], [])
    finally:
        loop.close()


@pytest.mark.parametrize("length", range(4))
def test_a_key_that_is_too_short(pysock, length):
    loop = Loop()
    short = tuple.__new__(selectors.SelectorKey, key(None, None)[:length])
    raised = []
    try:
        for installing in (contextlib.nullcontext, pysock.installed):
            with installing(), pytest.raises(Exception) as caught:
                loop._process_events([(short, 1)])
            raised.append((caught.type, str(caught.value)))
        assert raised[0] == raised[1]
    finally:
        loop.close()
