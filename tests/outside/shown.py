"""What the programs share: how something is printed without what differs between any two runs.

The programs are run by `test_outside.py` with this folder on their path. They import `socket` and
know nothing of pysock. The differences that are meant are the module of three classes, the
names of the loop's and the transport's classes, and the place of the loop's methods.
"""

import inspect
import os
import re
import sys
import threading
import time
import traceback
import types

MODULES = {"socket": "socket", "SocketIO": "socket", "EpollSelector": "selectors"}
UNEQUAL = [
    (re.compile(r"\b0x[0-9a-f]+"), "0x.."),
    (re.compile(r"\bfd=\d+"), "fd=N"),
    (re.compile(r"\('([\d.]+|::1?|localhost)', \d+"), r"('\1', PORT"),
    (re.compile(r"\bpysock\.(socket|SocketIO|EpollSelector)\b"), lambda m: named(m[1])),
    (re.compile(r"\bevent_loop\.py:"), "base_events.py:"),
    (re.compile(r"\bEventLoop\b"), "_UnixSelectorEventLoop"),
    (re.compile(r"\b(Socket|Datagram)Transport\b"), r"_Selector\1Transport"),
]


def named(name):
    return f"{MODULES[name]}.{name}"


def plain(value):
    text = value if isinstance(value, str) else repr(value)
    for pattern, replacement in UNEQUAL:
        text = pattern.sub(replacement, text)
    return text


def say(label, *values):
    print(*map(plain, (label, *values)), sep=" | ", flush=True)


def outcome(call, *args, **kwargs):
    """What a call returns, or its exception with the text."""
    try:
        result = call(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    if hasattr(result, "close") and hasattr(result, "fileno"):
        result.close()
        return f"a {type(result).__qualname__}"
    return result


def tried(label, call, *args, **kwargs):
    say(label, outcome(call, *args, **kwargs))


def frames(trace):
    """The functions of a traceback, outermost first."""
    return [frame.f_code.co_name for frame, _ in traceback.walk_tb(trace)]


def stack(frame, *, until):
    """The functions of a running stack with their files, innermost first, up to one of them."""
    functions = []
    while frame is not None and frame.f_code.co_name != until:
        code = frame.f_code
        functions.append(f"{os.path.basename(code.co_filename)}:{code.co_name}")
        frame = frame.f_back
    return functions


def when_blocked(thread, function, act):
    """Call *act* once *thread* sleeps in a system call below *function*; return what it returns."""
    calm, before = 0, None
    deadline = time.monotonic() + 20
    while calm < 4:
        if time.monotonic() > deadline:
            sys.exit(f"{function} does not block")
        time.sleep(0.01)
        frame = sys._current_frames().get(thread.ident)
        now = [(each, each.f_lasti) for each in chain(frame)]
        inside = any(each.f_code.co_name == function for each, _ in now)
        asleep = state(thread.native_id) == "S"
        calm = calm + 1 if inside and asleep and now == before else 0
        before = now
    del frame, now, before
    return act()


def chain(frame):
    while frame is not None:
        yield frame
        frame = frame.f_back


def state(native_id):
    with open(f"/proc/self/task/{native_id}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def in_thread(call, *args):
    thread = threading.Thread(target=call, args=args, daemon=True)
    thread.start()
    return thread


def python_functions():
    """(name, object) of what is a function in Python in the standard library.

    What a class has beside that is not asked for.
    """
    import selectors
    import socket

    for name in PYTHON_FUNCTIONS:
        if hasattr(socket, name):
            yield f"socket.{name}", getattr(socket, name)
    for cls in (socket.socket, socket.SocketIO, selectors.EpollSelector):
        for name, original in standard_attributes(cls):
            value = inspect.getattr_static(cls, name)
            label = f"{cls.__name__}.{name}"
            if isinstance(original, types.FunctionType):
                yield label, value
            elif isinstance(original, property):
                for part in ("fget", "fset", "fdel"):
                    if getattr(original, part) is not None:
                        yield f"{label}.{part}", getattr(value, part, None)


PYTHON_FUNCTIONS = [
    "create_connection", "create_server", "fromfd", "getaddrinfo", "getfqdn", "has_dualstack_ipv6",
    "recv_fds", "send_fds", "socketpair",
]  # fmt: skip


def standard_attributes(cls):
    """(name, value) of the standard library's own class and its bases, as they have them."""
    found = {}
    own = next(i for i, each in enumerate(cls.__mro__) if each.__module__ in MODULES.values())
    for base in reversed(cls.__mro__[own:]):
        if base is not object:
            found.update(vars(base))
    for name in ("__dict__", "__weakref__", "__module__", "__doc__", "__slots__", "__slotnames__"):
        found.pop(name, None)
    return sorted(found.items(), key=lambda item: item[0])


def kind(value):
    of = getattr(value, "__self__", None)
    if isinstance(value, types.BuiltinFunctionType) and isinstance(of, types.ModuleType):
        return "builtin function"
    return type(value).__name__


# What a finalizer cannot do is written with a traceback, at a time that nobody chooses.
sys.unraisablehook = lambda unraisable: None


class Log(list):
    """Names in the order in which they were called."""

    def taken(self):
        taken = list(self)
        self.clear()
        return taken
