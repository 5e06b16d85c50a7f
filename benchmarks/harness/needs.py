"""What a row needs of the machine; a row without it is not run, and the table says so."""

from __future__ import annotations

import importlib.util
import shutil
import socket

from harness import cloops

C_COMPILER = "a C compiler"
ZEROCOPY = "a kernel with SO_ZEROCOPY"


def program_file(name: str) -> str:
    return f"the program {name}"


def module(name: str) -> str:
    return f"the module {name}"


def is_there(need: str) -> bool:
    if need == C_COMPILER:
        return cloops.reason_unavailable() is None
    if need == ZEROCOPY:
        return _takes_zerocopy()
    kind, name = need.split()[1:]
    if kind == "program":
        return shutil.which(name) is not None
    return importlib.util.find_spec(name) is not None


def _takes_zerocopy() -> bool:
    so_zerocopy = 60  # asm-generic/socket.h
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.SOL_SOCKET, so_zerocopy, 1)
        except OSError:
            return False
    return True
