"""Each public name is an object of the kind that it is in the standard library.

Mocks, profilers, tracers and guards look at what a name is: a method descriptor, a builtin
function, a function with code of its own. So do `inspect`, `pickle` and `copy`.
"""

import _socket
import copy
import inspect
import pickle
import selectors
import socket
import types

import pytest

OWN_SIGNATURE = {"create_connection"}

# The fallback has no C to make method descriptors of. These are Python functions there, for the
# forms of an address, and for what an exception tells of a call that it ended.
FUNCTIONS_OF_THE_FALLBACK = {
    f"socket.{name}"
    for name in ("bind", "connect", "connect_ex", "recvmsg_into", "sendall", "sendmsg", "sendto")
}


def places(pysock):
    """(name, the standard library's object, pysock's) of all that is public."""
    for name in socket.__all__:
        yield name, getattr(socket, name), getattr(pysock, name)
    for owner, theirs, ours in (
        ("socket", socket.socket, pysock.socket),
        ("SocketIO", socket.SocketIO, pysock.SocketIO),
        ("EpollSelector", selectors.EpollSelector, pysock.EpollSelector),
    ):
        for name in dir(theirs):
            if not name.startswith("__") or name in ("__init__", "__enter__", "__exit__"):
                pair = [inspect.getattr_static(cls, name) for cls in (theirs, ours)]
                yield f"{owner}.{name}", *pair
                if isinstance(pair[0], property):
                    yield f"{owner}.{name}.fget", *[each.fget for each in pair]


def kind(thing):
    return type(thing)


def signature(thing):
    try:
        return str(inspect.signature(thing))
    except (TypeError, ValueError) as error:
        return type(error)


def names(thing, package):
    """__name__, __qualname__ and __module__, with *package* for the standard library's modules."""
    module = getattr(thing, "__module__", None)
    ours = (package, "socket", "_socket", "selectors")
    return (
        getattr(thing, "__name__", None),
        getattr(thing, "__qualname__", None),
        "the module" if module in ours else module,
    )


def survives(thing):
    """Whether a copy, and what is pickled and loaded, is the same again, or which error comes."""
    outcomes = []
    for pass_on in (copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        try:
            same = pass_on(thing) is thing
            # A method descriptor is pickled by its name in `_socket.socket`, and so is copied.
            outcomes.append(same or isinstance(thing, types.MethodDescriptorType))
        except Exception as error:
            outcomes.append(type(error))
    return outcomes


def differences(pysock, compare):
    found = {}
    for name, theirs, ours in places(pysock):
        if pysock.BACKEND == "stdlib" and name in FUNCTIONS_OF_THE_FALLBACK:
            assert isinstance(ours, types.FunctionType), name
        elif theirs is not ours and compare(theirs) != compare(ours):
            found[name] = (compare(theirs), compare(ours))
    return found


def test_the_kind_of_object(pysock):
    assert differences(pysock, kind) == {}


def test_the_signature(pysock):
    found = differences(pysock, signature)
    assert {name: pair for name, pair in found.items() if name not in OWN_SIGNATURE} == {}


def test_the_names(pysock):
    assert differences(pysock, lambda thing: names(thing, pysock.__name__)) == {}


def test_what_can_be_copied_and_pickled(pysock):
    assert differences(pysock, survives) == {}


def test_a_method_descriptor_is_copied_by_the_name_in_the_interpreters_class(pysock):
    """So the copy is the interpreter's method; one that pysock adds has no such name."""
    for name in ("recv", "sendmsg", "recv_exactly", "recvmmsg"):
        method = getattr(pysock.socket, name)
        for pass_on in (copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
            if isinstance(method, types.FunctionType):
                assert pysock.BACKEND == "stdlib" and pass_on(method) is method
            elif hasattr(socket.socket, name):
                assert pass_on(method) is getattr(socket.socket, name)
            else:
                with pytest.raises(AttributeError, match=f"'_socket.socket' has .*'{name}'"):
                    pass_on(method)


def test_a_builtin_function_is_what_it_is_in_the_standard_library(pysock):
    for name in dir(_socket):
        theirs, ours = getattr(_socket, name), getattr(pysock, name, None)
        if ours is not theirs and inspect.isbuiltin(theirs) and not inspect.isfunction(ours):
            assert inspect.isbuiltin(ours) and ours.__self__ is _socket, name
            for attribute in ("__name__", "__qualname__", "__text_signature__"):
                assert getattr(ours, attribute) == getattr(theirs, attribute), name


def test_a_builtin_function_is_pickled_by_its_name_in_the_package(pysock):
    """`_socket` has another object of that name, and pickle would refuse it."""
    function = pysock.htons
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__module__ == ("_socket" if pysock.BACKEND == "stdlib" else pysock.__name__)


def test_the_docstrings_are_pysocks(pysock):
    """Those of what is not the standard library's own function, behind a name of the package."""
    ours = {
        name: own
        for name, theirs, own in places(pysock)
        if callable(own) and not isinstance(own, type) and own.__doc__ != theirs.__doc__
    }
    if pysock.BACKEND == "stdlib":
        assert ours.keys() == {"create_connection", "socket.sendall"}
    else:
        assert {
            "htons",
            "socketpair",
            "socket.recv",
            "socket.sendall",
            "SocketIO.write",
        } <= ours.keys()
        for name, own in ours.items():
            assert own.__doc__, name


def test_the_source_is_pysocks(pysock):
    """tests/outside/programs/source_and_bytecode.py compares the names and the arguments in it."""
    source = inspect.getsource(pysock.socket.accept)
    assert source != inspect.getsource(socket.socket.accept)
    assert "_accept(" in source


def test_code_that_is_copied_runs(pysock):
    """A tool that wraps a function makes another one of its code."""
    functions = [
        (name, ours) for name, _, ours in places(pysock) if isinstance(ours, types.FunctionType)
    ]
    assert functions
    for name, function in functions:
        duplicate = types.FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        assert duplicate.__code__.co_code == function.__code__.co_code, name
        assert len(duplicate.__code__.co_code) > 0, name


@pytest.mark.parametrize("name", ["parse_ancillary", "capabilities", "splice", "set_gil_hold"])
def test_an_added_function_has_no_code_to_run_wrongly(pysock, name):
    """Either it is a builtin, or its code can be copied and does what it does."""
    function = getattr(pysock, name)
    code = getattr(function, "__code__", None)
    assert code is None or len(code.co_code) > 0
