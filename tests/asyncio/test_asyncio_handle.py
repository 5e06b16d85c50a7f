"""asyncio's Handle under install(): callbacks run from C, and what they raise is told as before."""

import asyncio
import contextvars
import gc
import itertools
import signal
import sys
import time
import traceback
import weakref
from asyncio import events
from unittest import mock

import pytest
from support.programs import in_a_process

RUN = events.Handle._run


@pytest.fixture(params=[events.Handle, events.TimerHandle], ids=lambda cls: cls.__name__)
def make(request, pysock):
    """Makes a handle, of callback, arguments, loop and context; its `_run` is pysock's."""
    cls = request.param
    with pysock.installed():
        yield cls if cls is events.Handle else lambda *args: cls(0, *args)
    assert events.Handle._run is RUN


@pytest.fixture
def loop():
    loop = asyncio.SelectorEventLoop()
    yield loop
    loop.close()


COUNT = contextvars.ContextVar("COUNT", default=0)


def test_arguments_and_context(make, loop):
    got = []

    def callback(*args):
        got.append((args, COUNT.get()))
        COUNT.set(COUNT.get() + 1)

    context = contextvars.copy_context()
    for args in ((), (1,), (1, 2, 3)):
        make(callback, args, loop, context)._run()
    assert got == [((), 0), ((1,), 1), ((1, 2, 3), 2)]
    assert (COUNT.get(), context[COUNT]) == (0, 3)


class OddContext:
    """Not a contextvars.Context, and asyncio takes it."""

    def __init__(self):
        self.ran = []

    def run(self, callback, *args):
        self.ran.append(callback(*args))


def test_a_context_of_another_class(make, loop):
    context = OddContext()
    make(max, (3, 7), loop, context)._run()
    assert context.ran == [7]


def test_arguments_that_are_no_tuple(make, loop):
    got = []
    make(lambda *args: got.append(args), [1, 2], loop)._run()
    assert got == [(1, 2)]


class Error(BaseException):
    """Told to the exception handler, as all but SystemExit and KeyboardInterrupt are."""


def failing(error):
    raise error


def failing_in_an_except(error):
    try:
        raise LookupError
    except LookupError:
        raise error  # noqa: B904


def entering_again():
    contextvars.copy_context().run(current.run, print)


current = contextvars.copy_context()

FAILING = {
    "an exception": lambda: (failing, (ZeroDivisionError("0"),)),
    "a BaseException": lambda: (failing, (Error(1),)),
    "StopIteration": lambda: (failing, (StopIteration(1),)),
    "with a context": lambda: (failing_in_an_except, (ValueError("x"),)),
    "not callable": lambda: (None, ()),
    "wrong arguments": lambda: (failing, (1, 2)),
    "a coroutine function of C": lambda: (int, ("x",)),
    "a context entered twice": lambda: (entering_again, ()),
    "SystemExit": lambda: (failing, (SystemExit(3),)),
    "KeyboardInterrupt": lambda: (failing, (KeyboardInterrupt(),)),
}


def told(make, loop, callback, args, debug=False):
    """What the loop's exception handler gets of a handle, and what comes out of it."""
    contexts, handled, passed = [], [], None

    def told_to(_, context):
        contexts.append(context)
        handled.append(sys.exc_info()[1])

    loop.set_exception_handler(told_to)
    loop.set_debug(debug)
    handle = make(callback, args, loop, current)
    try:
        current.run(handle._run) if callback is entering_again else handle._run()
    except BaseException as error:
        passed = error
    described = []
    for context, error in zip(contexts, handled, strict=True):
        assert context.pop("handle") is handle
        assert error is context["exception"]
        described.append({**context, "exception": describe(error)})
        described[-1].pop("source_traceback", None)
        assert ("source_traceback" in context) == debug
    assert handle._context is current
    return described, passed and describe(passed), repr(handle)


def describe(error):
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    frames = [name.rpartition(".")[2] for name in frames if name not in ("told", "run")]
    frames = [name for name, _ in itertools.groupby(frames)]  # Cython names twice what passes
    chain = []
    link = error
    while link is not None:
        chain.append((repr(link), repr(link.__cause__), link.__suppress_context__))
        link = link.__context__
    return frames, chain


def as_it_was(function, *args):
    """*function*, without what install() did."""
    with mock.patch.object(events.Handle, "_run", RUN):
        return function(*args)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("fail", FAILING.values(), ids=FAILING)
def test_what_a_callback_raises(make, loop, fail, debug):
    try:
        raise KeyError("handled while the loop runs")
    except KeyError:
        args = make, loop, *fail(), debug
        expected = as_it_was(told, make, loop, *fail(), debug)
        assert told(*args) == expected


def test_a_callback_that_cancels_its_own_handle_and_fails(make, loop):
    def outcome():
        def callback():
            handle.cancel()
            raise ZeroDivisionError

        contexts = []
        loop.set_exception_handler(lambda _, context: contexts.append(context))
        handle = make(callback, (), loop)
        handle._run()
        (context,) = contexts
        assert context["handle"] is handle
        return context["message"], describe(context["exception"]), handle._args, repr(handle)

    assert outcome() == as_it_was(outcome)


@pytest.mark.parametrize("debug", [False, True])
def test_somebody_elses_description(make, loop, debug):
    """Of the callback, found where asyncio looks for it, and asked as asyncio asks."""
    told = []
    loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
    loop.set_debug(debug)
    with mock.patch.object(events.format_helpers, "_format_callback_source") as describe:
        describe.return_value = "it"
        make(failing, (ZeroDivisionError(),), loop)._run()
    assert told == ["Exception in callback it"]
    assert describe.call_args.kwargs == ({"debug": debug} if sys.version_info >= (3, 13) else {})


def test_a_signal_changes_no_handle(make, loop):
    """Wherever its handler raises, what the callback raised is told once, or not at all."""

    class Interrupted(KeyboardInterrupt):
        pass

    def interrupt(*_):
        raise Interrupted

    def run(number):
        nonlocal returned
        until = time.monotonic() + 0.05  # should nobody here hear of it
        signal.setitimer(signal.ITIMER_REAL, 1e-4 + number * 2.5e-7)
        while time.monotonic() < until:
            handle._run()
            returned += 1

    told = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    handle = make(int, ("x",), loop, current)
    before = signal.signal(signal.SIGALRM, interrupt)
    gc.collect()
    gc.disable()  # what it runs would hear of the signal in our place
    try:
        for number in range(200):
            told.clear()
            returned = 0
            try:
                run(number)  # not here: 3.13 has a loop's end outside its try
            except Interrupted:
                pass
            assert returned <= len(told) <= returned + 1
            assert handle._context is current and handle._args == ("x",)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


def test_nothing_is_kept(make, loop):
    """Of what failed, the standard library makes a cycle."""

    class Argument:
        pass

    def succeeds(argument):
        pass

    def fails(argument):
        raise ZeroDivisionError

    loop.set_exception_handler(lambda *_: None)
    gc.disable()
    try:
        for callback in (succeeds, fails):
            argument = Argument()
            gone = weakref.ref(argument)
            handle = make(callback, (argument,), loop)
            handle._run()
            del argument, handle
            if callback is fails:
                gc.collect()
            assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("thing", [object(), None, 7])
def test_what_is_no_handle(pysock, make, thing):
    with pytest.raises(AttributeError):
        events.Handle._run(thing)


def test_a_handle_without_its_slots(make):
    with pytest.raises(AttributeError):
        events.Handle.__new__(events.Handle)._run()


class Elsewhere(events.Handle):
    """A subclass that has what it calls somewhere else."""

    __slots__ = ("_callback",)

    @property
    def _args(self):
        return ("of the property",)

    @_args.setter
    def _args(self, value):
        pass


def test_a_subclass_that_has_them_elsewhere(make, loop):
    got = []
    Elsewhere(lambda *args: got.append(args), (1,), loop)._run()
    assert got == [("of the property",)]


def test_somebody_elses_run_stays(pysock, monkeypatch):
    def theirs(self):
        pass

    monkeypatch.setattr(events.Handle, "_run", theirs)
    with pysock.installed():
        assert events.Handle._run is theirs
    assert events.Handle._run is theirs


def test_somebody_elses_run_that_comes_after(pysock, loop):
    """As tools do that log what takes long: all handles, and not for uninstall() to take away."""
    seen = []
    with pysock.installed():
        ours = events.Handle._run

        def theirs(self):
            seen.append(type(self))
            ours(self)

        events.Handle._run = theirs
        loop.call_later(0, loop.call_soon, loop.stop)
        loop.run_forever()
        assert {events.Handle, events.TimerHandle} <= set(seen)
    assert events.Handle._run is theirs
    events.Handle._run = RUN


def test_slots_that_are_none_any_more(pysock, loop):
    """A debugging aid of somebody: what C would read is no longer all of it."""
    slot = events.Handle._callback
    got = []
    with pysock.installed():
        handle = events.Handle(got.append, (1,), loop)
    events.Handle._callback = property(slot.__get__, slot.__set__)
    try:
        with pysock.installed():
            assert events.Handle._run is RUN
            handle._run()
            events.Handle(got.append, (2,), loop)._run()
    finally:
        events.Handle._callback = slot
    assert got == [1, 2]


def test_a_hundred_thousand_deep():
    """Of callbacks that call each other: a RecursionError, which is told."""
    program = """
import contextvars, pysock
pysock.install()
import asyncio
told = []
loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda _, context: told.append(type(context["exception"])))
handle = asyncio.events.Handle(print, ("end",), loop, contextvars.Context())
handles = []
for _ in range(100_000):
    handle = asyncio.events.Handle(handle._run, (), loop, contextvars.Context())
    handles.append(handle)
handle._run()
assert told and set(told) == {RecursionError}, told
loop.close()
while handles:
    handles.pop()._callback = None
"""
    assert in_a_process(program) == ""
