"""What a row needs of the machine; a row without it is not run, and the table says so."""

from __future__ import annotations

import importlib.util
import shutil

from harness import cloops

C_COMPILER = "a C compiler"


def program_file(name: str) -> str:
    return f"the program {name}"


def module(name: str) -> str:
    return f"the module {name}"


def is_there(need: str) -> bool:
    if need == C_COMPILER:
        return cloops.reason_unavailable() is None
    kind, name = need.split()[1:]
    if kind == "program":
        return shutil.which(name) is not None
    return importlib.util.find_spec(name) is not None
