"""Each allocation of a call fails in turn."""

import array
import itertools
import os
import socket as stdlib
import subprocess
import sys
from functools import partial

from cell import finish, net, start, stream_pair
from operations import BYTES, STREAM_IN, STREAM_OUT
from refused import MAKERS

try:
    from _testcapi import remove_mem_hooks, set_nomemory
except ImportError:
    set_nomemory = None

FROM_SOCKET = ("recv", "recv of much", "recv_into", "recvfrom", "recvmsg", "recvmsg_into", "send")


IN_C = ("socket", "socketpair")  # of the makers
APPEND = """
import gc
from _testcapi import remove_mem_hooks, set_nomemory
def append():
    [].append((1.5, {}))
for at in [1000] * 1000 + [*range(10)]:
    set_nomemory(at, at + 1)
    try:
        append()
    except MemoryError:
        pass
    remove_mem_hooks()
gc.collect()
"""


def can_append():
    """CPython 3.15.0rc2 cannot, without memory: what a list did not take is freed twice."""
    return not subprocess.run([sys.executable, "-c", APPEND], stderr=subprocess.DEVNULL).returncode


def failing(at, call):
    """The *at*th allocation of *call* fails: what it returned, or None of a MemoryError."""
    set_nomemory(at, at + 1)
    try:
        return call()
    except MemoryError:
        return None
    finally:
        remove_mem_hooks()


def no_memory():
    """MemoryError or none, and nothing is left open."""
    if set_nomemory is None:
        return
    transfers()
    makers()
    descriptors()


def transfers():
    calls = {f"in, {name}": (call, True) for name, call in STREAM_IN.items() if "file" not in name}
    calls |= {
        f"out, {name}": (call, False) for name, call in STREAM_OUT.items() if "file" not in name
    }
    if net.socket.__module__ != "socket" and net.BACKEND == "stdlib":
        # The loops are Python code: what an interpreter does without memory is its affair.
        calls = {name: call for name, call in calls.items() if name.split(", ")[1] in FROM_SOCKET}
    for name, (call, is_in) in calls.items():
        seen = set()
        start("no memory", name)
        for at in range(40):
            with stream_pair() as (a, b):
                stdlib.socket.send(a, BYTES)
                set_nomemory(at, at + 1)
                try:
                    call(b) if is_in else call(a, BYTES)
                    seen.add("ok")
                except MemoryError:
                    seen.add("MemoryError")
                except TypeError as error:  # cpython 3.14.7, of buffers that it has no list for
                    if getattr(net, "BACKEND", "") == "c" or "iterable" not in str(error):
                        raise
                finally:
                    remove_mem_hooks()
        finish(result="ok", whole="ok" in seen)


def makers():
    chosen = MAKERS if can_append() else {name: MAKERS[name] for name in IN_C}
    for name, call in chosen.items():
        start("no memory", name)
        seen = set()
        for at in range(0, 150, 1):
            set_nomemory(at, at + 1)
            try:
                call()
                seen.add("ok")
            except MemoryError:
                seen.add("MemoryError")
            except OSError as error:  # gaierror, of the C library's own MemoryError
                seen.add(type(error).__name__)
            finally:
                remove_mem_hooks()
        finish(result="ok", whole="ok" in seen)


def rights_of(ancdata):
    return list(itertools.chain(*(array.array("i", data) for _, _, data in ancdata)))


ROOM = stdlib.CMSG_SPACE(4 * 5)
# Each, bound to a socket, is the method and nothing after it; then the descriptors of its result.
MESSAGES = {
    "recvmsg": (lambda s: partial(s.recvmsg, 1000, ROOM), lambda came: rights_of(came[1])),
    "recvmsg, all": (lambda s: partial(s.recvmsg, 600, ROOM), lambda came: rights_of(came[1])),
    "recvmsg_into": (
        lambda s: partial(s.recvmsg_into, [bytearray(1000)], ROOM),
        lambda came: rights_of(came[1]),
    ),
}
EXTENDED = {
    "recv_fds": (lambda s: partial(s.recv_fds, 1000, 5), lambda came: came[1]),
    "recvmmsg": (lambda s: partial(s.recvmmsg, 2, 1000), lambda came: []),
    "DatagramBatch": (lambda s: partial(net.DatagramBatch(2, 1000).recv_into, s), lambda came: []),
}


def descriptors():
    """Those that came with a message are handed on, or closed: nobody else knows their numbers."""
    # The interpreter's stock of tuples is used up: to make one is to allocate.
    kept = [tuple(range(i, i + size)) for size in (2, 3, 4) for i in range(5000)]
    rights = [(stdlib.SOL_SOCKET, stdlib.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    for kind in ("SOCK_STREAM", "SOCK_DGRAM"):
        calls = MESSAGES | (EXTENDED if net is not stdlib else {})
        for name, (bind, fds_of) in calls.items():
            batch = name in ("recvmmsg", "DatagramBatch")
            if batch and (kind == "SOCK_STREAM" or net.BACKEND != "c"):
                continue  # a loop in Python, as above
            start("no memory", "descriptors", kind, name)
            seen = set()
            for at in range(80):
                a, b = net.socketpair(stdlib.AF_UNIX, getattr(stdlib, kind))
                with a, b:
                    stdlib.socket.sendmsg(a, [b"x" * 600], rights)
                    came = failing(at, bind(b))
                    seen.add(came is None)
                    for fd in fds_of(came) if came else []:
                        os.close(fd)
            finish(result="ok", whole=False in seen)
    kept.clear()
