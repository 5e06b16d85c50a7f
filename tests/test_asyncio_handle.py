"""asyncio's Handle under install(): callbacks run from C, and what they raise is told as before."""

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import traceback
import weakref
from asyncio import events
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD = events.Handle


@pytest.fixture
def handle_class(pysock):
    with pysock.installed():
        yield events.Handle
    assert events.Handle is STANDARD


@pytest.fixture
def loop(handle_class):
    loop = asyncio.SelectorEventLoop()
    yield loop
    loop.close()


def test_it_is_put_in_place_where_it_is_in_c(pysock, handle_class):
    if pysock.BACKEND == "stdlib":
        assert handle_class is STANDARD
    else:
        assert handle_class is not STANDARD and issubclass(handle_class, STANDARD)
        assert (handle_class.__name__, handle_class.__module__) == ("Handle", pysock.__name__)


def test_a_handle_is_no_bigger(handle_class, loop):
    standard, ours = (cls(print, (), loop) for cls in (STANDARD, handle_class))
    assert sys.getsizeof(ours) == sys.getsizeof(standard) and not hasattr(ours, "__dict__")
    assert repr(ours) == repr(standard)


COUNT = contextvars.ContextVar("COUNT", default=0)


def test_arguments_and_context(handle_class, loop):
    got = []

    def callback(*args):
        got.append((args, COUNT.get()))
        COUNT.set(COUNT.get() + 1)

    context = contextvars.copy_context()
    for args in ((), (1,), (1, 2, 3)):
        handle_class(callback, args, loop, context)._run()
    assert got == [((), 0), ((1,), 1), ((1, 2, 3), 2)]
    assert (COUNT.get(), context[COUNT]) == (0, 3)


class OddContext:
    """Not a contextvars.Context, and asyncio takes it."""

    def __init__(self):
        self.ran = []

    def run(self, callback, *args):
        self.ran.append(callback(*args))


def test_a_context_of_another_class(handle_class, loop):
    context = OddContext()
    handle_class(max, (3, 7), loop, context)._run()
    assert context.ran == [7]


def test_arguments_that_are_no_tuple(handle_class, loop):
    got = []
    handle_class(lambda *args: got.append(args), [1, 2], loop)._run()
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


def told(cls, loop, callback, args, debug=False):
    """What the loop's exception handler gets of a handle of *cls*, and what comes out of it."""
    contexts, passed = [], None
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    loop.set_debug(debug)
    handle = cls(callback, args, loop, current)
    try:
        current.run(handle._run) if callback is entering_again else handle._run()
    except BaseException as error:
        passed = error
    described = []
    for context in contexts:
        assert context.pop("handle") is handle
        error = context["exception"]
        described.append({**context, "exception": describe(error)})
        described[-1].pop("source_traceback", None)
        assert ("source_traceback" in context) == debug
    assert handle._context is current
    return described, passed and describe(passed), repr(handle)


def describe(error):
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    frames = [name for name in frames if name not in ("told", "run")]
    chain = [type(e) for e in (error.__context__, error.__cause__)]
    return type(error), str(error), frames, chain


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("fail", FAILING.values(), ids=FAILING)
def test_what_a_callback_raises(handle_class, loop, fail, debug):
    assert told(handle_class, loop, *fail(), debug) == told(STANDARD, loop, *fail(), debug)


def test_a_callback_that_cancels_its_own_handle_and_fails(handle_class, loop):
    def of(cls):
        def callback():
            handle.cancel()
            raise ZeroDivisionError

        contexts = []
        loop.set_exception_handler(lambda _, context: contexts.append(context))
        handle = cls(callback, (), loop)
        handle._run()
        (context,) = contexts
        assert context["handle"] is handle
        return context["message"], describe(context["exception"]), handle._args, repr(handle)

    assert of(handle_class) == of(STANDARD)


def test_nothing_is_kept(handle_class, loop):
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
            handle = handle_class(callback, (argument,), loop)
            handle._run()
            del argument, handle
            if callback is fails:
                gc.collect()
            assert gone() is None
    finally:
        gc.enable()


def test_what_is_no_handle(pysock, handle_class, loop):
    if pysock.BACKEND == "c":
        for thing in (object(), None, 7):
            with pytest.raises(TypeError):
                handle_class._run(thing)
        unset = handle_class.__new__(handle_class)
        with pytest.raises(AttributeError):
            unset._run()


def test_a_handle_of_somebody_else_stays(pysock, monkeypatch):
    theirs = type("Handle", (STANDARD,), {"__slots__": (), "_run": lambda self: None})
    monkeypatch.setattr(events, "Handle", theirs)
    with pysock.installed():
        assert events.Handle is theirs
    assert events.Handle is theirs


ORDERS = {
    "before asyncio": """
import pysock
pysock.install()
import asyncio
assert asyncio.events.Handle is asyncio.Handle  # until a loop needs it
""",
    "after asyncio": """
import asyncio
import warnings
import pysock
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # asyncio.trsock and its like came before
    pysock.install()
assert issubclass(asyncio.events.Handle, asyncio.Handle)
""",
}
PROGRAM = """
async def main():
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    handle = loop.call_soon(called.set_result, 7)
    assert await called == 7
    return type(handle)

used = asyncio.run(main())
assert (used is asyncio.Handle) == (pysock.BACKEND == "stdlib"), used
assert asyncio.events.Handle is used
pysock.uninstall()
assert asyncio.events.Handle is asyncio.Handle
assert asyncio.run(main()) is asyncio.Handle
print("asyncio" in sys.modules)
"""


@pytest.mark.parametrize("no_extensions", ["", "1"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_before_and_after_asyncio(order, no_extensions):
    if no_extensions:
        order = "\n".join(line for line in order.splitlines() if "assert" not in line)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": no_extensions}
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + order + PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "True\n")


def test_asyncio_is_not_imported_for_it():
    program = "import sys, pysock; pysock.install(); print('asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
