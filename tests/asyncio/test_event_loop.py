"""EventLoop does what asyncio's own loop does, and leaves the work to it where somebody looks."""

import asyncio
import heapq
import logging
import os
import random
import subprocess
import sys
import threading
import time
import traceback
from types import FunctionType

import pytest
from support.paths import ROOT


@pytest.fixture
def loop(pysock):
    loop = pysock.new_event_loop()
    yield loop
    loop.close()


def turn(loop):
    loop.call_soon(loop.stop)
    loop.run_forever()


def run(loop, main):
    return loop.run_until_complete(asyncio.wait_for(main, 30))


def test_it_is_a_selector_event_loop(pysock, loop):
    assert isinstance(loop, asyncio.SelectorEventLoop)
    assert isinstance(loop, pysock.EventLoop)
    assert type(loop).__module__ == pysock.__name__
    assert type(loop.call_soon(int)) is asyncio.Handle
    assert type(loop.call_later(1, int)) is asyncio.TimerHandle


def test_run(pysock):
    async def main():
        return type(asyncio.get_running_loop())

    assert pysock.run(main()) is pysock.EventLoop
    with pytest.raises((ValueError, TypeError)) as expected:
        asyncio.run(5)
    with pytest.raises(expected.type) as caught:
        pysock.run(5)
    assert str(caught.value) == str(expected.value)

    async def inner():
        coroutine = main()
        try:
            pysock.run(coroutine)
        finally:
            coroutine.close()

    with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
        pysock.run(inner())


DEFERRED = """
import sys
import pysock
assert "asyncio" not in sys.modules
first = pysock.EventLoop
assert isinstance(first, type) and callable(first)
assert "asyncio" not in sys.modules
import asyncio
assert issubclass(first, asyncio.SelectorEventLoop)
class Loop(first):
    pass
loop = Loop()
assert isinstance(loop, first) and isinstance(loop, pysock.EventLoop)
assert first == pysock.EventLoop and hash(first) == hash(pysock.EventLoop)
assert type(pysock.EventLoop) is type and first is not pysock.EventLoop
assert first.__name__ == "EventLoop" and repr(first) == repr(pysock.EventLoop)
loop.run_until_complete(asyncio.sleep(0))
loop.close()
"""


@pytest.mark.parametrize("without", ["", "1"])
def test_the_class_is_made_at_its_first_use(without):
    subprocess.run(
        [sys.executable, "-c", DEFERRED],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": without},
        check=True,
        timeout=60,
    )


def test_order_of_callbacks_and_timers(loop):
    ran = []
    when = loop.time() + 0.05  # later than the turns of a slow build
    for number in (3, 1, 2):
        loop.call_at(when + number / 1000, ran.append, f"timer {number}")
    loop.call_soon(lambda: (ran.append("first"), loop.call_soon(ran.append, "next turn")))
    loop.call_soon(ran.append, "second")
    cancelled = loop.call_soon(ran.append, "cancelled")
    cancelled.cancel()
    loop.call_later(0.2, loop.stop)
    loop.run_forever()
    assert ran == ["first", "second", "next turn", "timer 1", "timer 2", "timer 3"]


def test_the_timers_are_the_heap_that_heapq_makes(loop):
    chance = random.Random(1)
    expected = []
    for _ in range(500):
        when = loop.time() + 1000 + chance.choice([chance.random(), chance.randrange(3)])
        timer = loop.call_at(when, int)
        heapq.heappush(expected, timer)
        if chance.random() < 0.3:
            timer.cancel()
    assert [id(timer) for timer in loop._scheduled] == [id(timer) for timer in expected]
    assert loop._scheduled == expected
    turn(loop)
    assert not any(timer.cancelled() for timer in loop._scheduled[:1])


def test_many_cancelled_timers_are_removed(loop):
    timers = [loop.call_later(1000, int) for _ in range(300)]
    for timer in timers[:200]:
        timer.cancel()
    turn(loop)
    assert len(loop._scheduled) == 100
    assert loop._timer_cancelled_count == 0


def test_an_exception_goes_to_the_handler(loop):
    told = []
    loop.set_exception_handler(lambda _, context: told.append((context, sys.exc_info()[1])))
    handle = loop.call_soon(int, "no number")
    loop.call_soon(told.append, "the next one runs")
    turn(loop)
    (context, handled), other = told
    assert other == "the next one runs"
    assert context["handle"] is handle
    assert context["message"].startswith("Exception in callback int(")
    assert handled is context["exception"]
    [entry] = traceback.extract_tb(handled.__traceback__)
    assert (entry.name, entry.line) == ("_run", "self._context.run(self._callback, *self._args)")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_loop_and_loses_no_callback(loop, kind):
    ran = []

    def interrupt():
        raise kind

    loop.call_soon(interrupt)
    loop.call_soon(ran.append, 1)
    with pytest.raises(kind):
        loop.run_forever()
    assert ran == []
    turn(loop)
    assert ran == [1]


def test_metrics(loop):
    for _ in range(10):
        loop.call_soon(time.sleep, 0.002)
    loop.call_later(0.03, loop.stop)
    loop.run_forever()
    metrics = loop.metrics()
    assert metrics["turns"] == 2
    assert metrics["callbacks"] == 11
    assert metrics["busy_ns"] >= metrics["longest_turn_ns"] >= 20_000_000
    assert 0 < metrics["waited_ns"] < 30_000_000


def test_what_is_closed_or_wrong(loop):
    error = TypeError if sys.version_info >= (3, 11) else (TypeError, AssertionError)
    with pytest.raises(error):
        loop.call_later(None, int)
    with pytest.raises(error):
        loop.call_at(None, int)
    loop.close()
    for schedule in (loop.call_soon, loop.call_soon_threadsafe):
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            schedule(int)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_later(1, int)


@pytest.mark.parametrize("name", ["call_soon", "_run_once", "call_at", "metrics", "_call_soon"])
def test_a_method_of_another_object(pysock, name):
    method = getattr(pysock.EventLoop, name)
    for other in (object(), 5, asyncio.Future):
        with pytest.raises((TypeError, AttributeError)):
            method(other, int, ())


# Somebody looks, or has replaced something.


def reason(pysock, loop):
    if pysock.BACKEND == "stdlib":
        return ""
    return loop.not_accelerated() or ""


def test_not_accelerated(pysock, loop):
    expected = None if pysock.BACKEND == "c" else "the extension modules are not in use"
    assert loop.not_accelerated() == expected


def test_debug_mode(pysock, loop, caplog):
    loop.set_debug(True)
    loop.slow_callback_duration = 0.001
    with caplog.at_level(logging.WARNING, "asyncio"):
        loop.call_soon(time.sleep, 0.01)
        turn(loop)
    assert "took" in caplog.text
    if pysock.BACKEND == "c":
        assert reason(pysock, loop) == "the loop is in debug mode"


def test_a_profile_function_sees_asyncio(loop):
    seen = set()
    sys.setprofile(lambda frame, *_: seen.add(frame.f_code.co_name))
    try:
        loop.call_soon(int)
        turn(loop)
    finally:
        sys.setprofile(None)
    assert {"_run_once", "_run", "call_soon"} <= seen


def test_replaced_code_runs(pysock, loop, monkeypatch):
    ran = []

    def replacement(self):
        self._loop._was_replaced(self)

    loop._was_replaced = ran.append
    before = asyncio.Handle._run.__code__
    asyncio.Handle._run.__code__ = replacement.__code__
    try:
        handle = loop.call_soon(int)
        loop._run_once()
    finally:
        asyncio.Handle._run.__code__ = before
    assert ran == [handle]
    if pysock.BACKEND == "c":
        assert loop.not_accelerated() is None


@pytest.mark.parametrize("place", [asyncio.base_events.BaseEventLoop, asyncio.SelectorEventLoop])
def test_a_patched_method_runs(loop, monkeypatch, place):
    called = []
    original = place.call_soon

    def call_soon(self, callback, *args, context=None):
        called.append(callback)
        return original(self, callback, *args, context=context)

    monkeypatch.setattr(place, "call_soon", call_soon)
    loop.call_soon(int)
    assert called == [int]


def test_an_override_of_the_instance_runs(loop):
    events = []
    process = loop._process_events
    loop._process_events = lambda found: (events.append(len(found)), process(found))
    turn(loop)
    assert events == [0]


def test_an_override_of_a_subclass_runs(pysock):
    class Loop(pysock.EventLoop):
        now = 100.0

        def time(self):
            return self.now

    loop = Loop()
    try:
        assert loop.call_later(5, loop.stop).when() == 105.0
        loop.now = 106.0
        loop.run_forever()
    finally:
        loop.close()


def test_a_patched_clock(loop, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    assert loop.time() == 5.0


# Threads


def test_a_callback_from_another_thread_wakes_the_loop(loop):
    thread = threading.Timer(0.05, loop.call_soon_threadsafe, (loop.stop,))
    thread.start()
    loop.run_forever()
    thread.join()


def test_loops_in_threads(pysock):
    results = []

    def work():
        async def main():
            for _ in range(200):
                await asyncio.sleep(0)
            return len(
                await asyncio.gather(*(asyncio.sleep(0.001, number) for number in range(50)))
            )

        results.append(pysock.run(main()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [50] * 4


def test_a_method_of_a_copied_function_kind(pysock):
    """A tool that copies functions gets an exception at worst."""
    for name in ("call_soon", "_run_once", "time"):
        code = getattr(getattr(pysock.EventLoop, name), "__code__", None)
        if code is not None and len(code.co_code):
            with pytest.raises(Exception):  # noqa: B017
                FunctionType(code, {})()
