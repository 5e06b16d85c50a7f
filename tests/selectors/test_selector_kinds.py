"""EpollSelector from outside: what its methods are, what a frame and a traceback of them show."""

import copy
import faulthandler
import inspect
import os
import pickle
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import types
from unittest import mock

import pytest
from support.programs import in_a_process

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
METHODS = ["register", "unregister", "modify", "select"]


@pytest.fixture(params=METHODS)
def method(request, pysock):
    """A method of pysock's class, and the standard library's."""
    name = request.param
    return getattr(pysock.EpollSelector, name), getattr(selectors.EpollSelector, name)


# What the methods are


def test_a_method_is_a_function_with_the_same_names(pysock, method):
    ours, theirs = method
    assert type(ours) is type(theirs) is types.FunctionType
    for name in ("__name__", "__qualname__", "__defaults__", "__kwdefaults__", "__annotations__"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert ours.__module__ == (pysock.__name__ if pysock.BACKEND == "c" else "selectors")
    assert pickle.loads(pickle.dumps(ours)) is ours and copy.copy(ours) is ours


def test_the_code_of_a_method_is_said_to_be_of_selectors(method):
    ours, theirs = (function.__code__ for function in method)
    for name in ("co_name", "co_filename", "co_firstlineno", "co_argcount", "co_flags"):
        if name != "co_flags" or not theirs.co_freevars:
            assert getattr(ours, name) == getattr(theirs, name)
    assert getattr(ours, "co_qualname", "") == getattr(theirs, "co_qualname", "")
    assert ours.co_varnames[: ours.co_argcount] == theirs.co_varnames[: theirs.co_argcount]
    assert inspect.getsource(method[0]) == inspect.getsource(method[1])
    assert set(vars(selectors)) <= set(method[0].__globals__)


def test_too_many_arguments(method):
    told = []
    for function in method:
        for arguments in ((), (1, 2, 3, 4, 5)):
            with pytest.raises(TypeError) as caught:
                function(*arguments)
            told.append(str(caught.value))
    assert told[:2] == told[2:]


def test_what_is_no_selector(method):
    arguments = {"register": (0, READ), "modify": (0, READ), "unregister": (0,), "select": ()}
    told = []
    for function in method:
        for thing in (object(), 7, "s"):
            with pytest.raises((AttributeError, TypeError)) as caught:
                function(thing, *arguments[function.__name__])
            told.append((caught.type, str(caught.value)))
    assert told[:3] == told[3:]


def test_the_standard_librarys_selector(pysock):
    """Handed to the methods of a subclass, as any object may be."""
    a, b = socket.socketpair()
    with a, b, selectors.EpollSelector() as selector:
        key = pysock.EpollSelector.register(selector, a, WRITE)
        assert pysock.EpollSelector.modify(selector, a, WRITE) is key
        assert pysock.EpollSelector.select(selector, 0) == [(key, WRITE)]
        assert pysock.EpollSelector.unregister(selector, a) is key


def test_code_that_is_copied(pysock):
    function = pysock.EpollSelector.select
    copied = types.FunctionType(function.__code__, function.__globals__, argdefs=(None,))
    a, b = socket.socketpair()
    with a, b, pysock.EpollSelector() as selector:
        key = selector.register(a, WRITE)
        assert copied(selector) == selector.select() == [(key, WRITE)]


def select_and_tell(self, timeout=None):
    """Its globals are those of the function that gets this code."""
    called.append((self, timeout))  # noqa: F821
    return original(self, timeout)  # noqa: F821


def test_code_that_is_rewritten(pysock):
    function = pysock.EpollSelector.select
    before = function.__code__
    called = []
    names = {"original": types.FunctionType(before, function.__globals__), "called": called}

    with mock.patch.dict(function.__globals__, names), pysock.EpollSelector() as selector:
        function.__code__ = select_and_tell.__code__
        try:
            assert selector.select(0) == []
        finally:
            function.__code__ = before
        assert called == [(selector, 0)]


def test_mocks_with_a_specification(pysock, method):
    name = method[0].__name__
    with pysock.EpollSelector() as selector:
        with mock.patch.object(pysock.EpollSelector, name, autospec=True) as mocked:
            arguments = {"unregister": (1,), "select": (0,)}.get(name, (1, READ))
            getattr(selector, name)(*arguments)
            mocked.assert_called_once_with(selector, *arguments)
            with pytest.raises(TypeError):
                getattr(selector, name)(1, 2, 3, 4, 5)


# What a selector is


def test_what_a_selector_has(pysock):
    with pysock.EpollSelector() as ours, selectors.EpollSelector() as theirs:
        assert list(vars(ours)) == list(vars(theirs))
        for name in ("_map", "_selector"):
            assert type(vars(ours)[name]) is type(vars(theirs)[name])
        assert vars(ours)["_fd_to_key"] == vars(theirs)["_fd_to_key"] == {}
        assert repr(ours._fd_to_key) == "{}" and isinstance(ours._fd_to_key, dict)
        for name in ("_fd_to_key", "_selector", "_map"):
            assert not hasattr(type(ours), name)


def test_a_copy_of_a_selector_shares_what_it_has(pysock):
    a, b = socket.socketpair()
    with a, b, pysock.EpollSelector() as selector:
        key = selector.register(a, WRITE)
        copied = copy.copy(selector)
        assert type(copied) is type(selector) and vars(copied) == vars(selector)
        assert copied.select(0) == [(key, WRITE)]
        assert copied.unregister(a) is key
        assert selector.select(0) == []
        for too_much in (copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot pickle"):
                too_much(selector)


def test_a_copy_of_the_keys_is_a_dict(pysock):
    a, b = socket.socketpair()
    with a, b, pysock.EpollSelector() as selector:
        selector.register(a.fileno(), READ, "data")
        keys = selector._fd_to_key
        copies = copy.copy(keys), copy.deepcopy(keys), pickle.loads(pickle.dumps(keys)), keys.copy()
        for copied in copies:
            assert copied == keys and copied is not keys
            assert type(copied) is dict
        assert (type(keys) is dict) == (pysock.BACKEND == "stdlib")
        copies[0].clear()
        assert len(keys) == 1


# Frames and tracebacks


def of_each(pysock, function):
    """What *function* says of a selector of pysock's and of the standard library's."""
    said = []
    for cls in (pysock.EpollSelector, selectors.EpollSelector):
        with cls() as selector:
            said.append(function(selector))
    return said


def while_idle(look):
    """What *look* says of the thread that waits in a selector."""

    def said(selector):
        a, b = socket.socketpair()
        with a, b:
            selector.register(a, READ)
            thread = threading.Thread(target=selector.select, args=(10,))
            thread.start()
            try:
                time.sleep(0.2)
                return look(thread.ident)
            finally:
                b.send(b"x")
                thread.join()

    return said


def test_a_sampler_of_an_idle_thread(pysock):
    def look(thread):
        frame = sys._current_frames()[thread]
        names = frame.f_globals["__name__"], frame.f_globals["__file__"]
        return names, traceback.format_stack(frame)

    ours, theirs = of_each(pysock, while_idle(look))
    assert ours == theirs
    for part in ("selectors.py", "in select", "self._selector.poll("):
        assert part in ours[1][-1]


def test_a_dump_of_an_idle_thread(pysock):
    def look(thread):
        with tempfile.TemporaryFile("w+") as file:
            faulthandler.dump_traceback(file)
            file.seek(0)
            return [line for line in file if "selectors.py" in line]

    ours, theirs = of_each(pysock, while_idle(look))
    assert ours == theirs and len(ours) == 1


class Interrupted(Exception):
    pass


def interrupted(selector):
    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        selector.select()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(selector):
    with open(os.devnull) as file, tempfile.TemporaryFile() as other:
        os.dup2(other.fileno(), file.fileno())
        selector.register(file, READ)


def removed(selector):
    a, b = socket.socketpair()
    with a, b:
        selector.register(a, READ)
        selector._selector.unregister(a)
        selector.modify(a, WRITE)


@pytest.mark.parametrize("fail", [interrupted, refused, removed])
def test_a_traceback_is_the_same(pysock, fail):
    def told(selector):
        with pytest.raises((Interrupted, OSError)) as caught:
            fail(selector)
        shown = traceback.format_exception(caught.type, caught.value, caught.value.__traceback__)
        # The frame of the call of `fail`, and those behind it.
        return [line for line in shown if "in told" not in line]

    ours, theirs = of_each(pysock, told)
    assert ours == theirs
    assert len([line for line in ours if "selectors.py" in line]) == 1


REFUSED = {
    "unregister": lambda selector, a: selector.unregister(a),
    "register twice": lambda selector, a: [selector.register(a, READ) for _ in "12"],
    "modify": lambda selector, a: selector.modify(a, READ),
    "a mask": lambda selector, a: selector.register(a, 99),
    "no file": lambda selector, a: selector.register("no file", READ),
    "a timeout": lambda selector, a: selector.select("no time"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_traceback_with_a_frame_more_or_less(pysock, name):
    """How many there are depends on the interpreter's version, too."""

    def told(selector):
        with socket.socket() as sock:
            with pytest.raises((KeyError, TypeError, ValueError)) as caught:
                REFUSED[name](selector, sock)
        trace = traceback.extract_tb(caught.value.__traceback__)
        return len([frame for frame in trace if frame.filename == selectors.__file__])

    ours, theirs = of_each(pysock, told)
    assert abs(ours - theirs) <= (pysock.BACKEND == "c")


def test_a_profile_function_hears_select(pysock):
    def heard(selector):
        events = []

        def hear(frame, event, argument):
            if event in ("call", "return") and frame.f_code.co_name == "select":
                events.append((event, frame.f_code.co_filename, frame.f_code.co_firstlineno))
            if event == "c_call" and frame.f_code.co_name == "select":
                c_calls.append(argument)

        c_calls = []
        sys.setprofile(hear)
        try:
            selector.select(0)
        finally:
            sys.setprofile(None)
        assert c_calls
        return events

    ours, theirs = of_each(pysock, heard)
    assert ours == theirs and len(ours) == 2


# A standard library that somebody changes


REWRITTEN = """
import selectors, types
import pysock
there = pysock.EpollSelector()
there.select(0)
seen = []
select = selectors.EpollSelector.select
def hear(self, timeout=None):
    seen.append("select")
    return copied(self, timeout)
copied = types.FunctionType(select.__code__, vars(selectors), argdefs=(None,))
vars(selectors).update(seen=seen, copied=copied)
select.__code__ = hear.__code__
for selector in (there, pysock.EpollSelector()):
    with selector:
        selector.select(0)
        print(*seen)
select.__code__ = copied.__code__
with pysock.EpollSelector() as selector:
    selector.select(0)
    print(*seen)
"""


def test_code_that_is_rewritten_while_a_selector_is_there(pysock):
    """It runs for selectors that have waited before, too, until the code is put back."""
    switch = "1" if pysock.BACKEND == "stdlib" else ""
    assert in_a_process(REWRITTEN, switch) == "select\nselect select\nselect select\n"


REWRITTEN_TO_REGISTER = """
import selectors, types
import pysock
a, b = pysock.socketpair()
selector = pysock.EpollSelector()
selector.register(a, selectors.EVENT_READ)
seen = []
function = selectors._BaseSelectorImpl.{name}
def hear(self, *arguments):
    seen.append("{name}")
    return copied(self, *arguments)
copied = types.FunctionType(
    function.__code__, vars(selectors), argdefs=function.__defaults__
)
vars(selectors).update(seen=seen, copied=copied)
function.__code__ = hear.__code__
selector.register(b, selectors.EVENT_READ, "data")
assert selector.get_key(b).data == "data"
selector.unregister(a)
selector.unregister(b)
print(len(selector.get_map()), *sorted(set(seen)))
selector.close()
a.close()
b.close()
"""


@pytest.mark.parametrize("name", ["register", "unregister", "_fileobj_lookup"])
def test_code_of_a_base_class_that_is_rewritten(pysock, name):
    switch = "1" if pysock.BACKEND == "stdlib" else ""
    assert in_a_process(REWRITTEN_TO_REGISTER.format(name=name), switch) == f"0 {name}\n"


CHANGED = """
import selectors, socket, types
seen = []
cls = selectors.EpollSelector
select = cls.select
{change}
import pysock
assert pysock.BACKEND == "c"
a, b = socket.socketpair()
with a, b, pysock.EpollSelector() as selector:
    selector.register(a, selectors.EVENT_WRITE)
    assert len(selector.select(0)) == 1
    selector.modify(a, selectors.EVENT_READ)
    selector.unregister(a)
print(seen)
"""


@pytest.mark.parametrize(
    "change",
    [
        "cls.select = lambda self, timeout=None: seen.append('select') or select(self, timeout)",
        """
def hear(self, timeout=None):
    seen.append("select")
    return copied(self, timeout)
copied = types.FunctionType(select.__code__, vars(selectors), argdefs=(None,))
vars(selectors).update(seen=seen, copied=copied)
import pysock  # with the code that was there
select.__code__ = hear.__code__
""",
    ],
    ids=["a method", "its code"],
)
def test_a_change_before_is_not_gone_round(change):
    assert in_a_process(CHANGED.format(change=change)) == "['select']\n"
