"""Each allocation of a call fails in turn."""

import socket as stdlib

from cell import finish, net, start, stream_pair
from operations import BYTES, STREAM_IN, STREAM_OUT
from refused import MAKERS

FROM_SOCKET = ("recv", "recv of much", "recv_into", "recvfrom", "recvmsg", "recvmsg_into", "send")


def no_memory():
    """Each allocation of a call fails in turn: MemoryError or none, and nothing is left open."""
    try:
        from _testcapi import remove_mem_hooks, set_nomemory
    except ImportError:
        return
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
                finally:
                    remove_mem_hooks()
        finish(result="ok", whole=seen <= {"ok", "MemoryError"} and "ok" in seen)
    for name, call in MAKERS.items():
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
