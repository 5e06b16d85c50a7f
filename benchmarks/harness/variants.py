"""One row's loop, set up for one variant: C, the standard library, pysock, or its fallback."""

# Part of a worker: see the note on imports in row.py.
from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from types import CodeType, FunctionType, ModuleType

from harness.row import Row

C, STDLIB, PYSOCK, FALLBACK = VARIANTS = ("C", "stdlib", "pysock", "fallback")
SWITCH = "PYSOCK_NO_EXTENSIONS"


class Timed:
    """What a loop that holds the clock itself returns."""

    def __init__(self, ns: int, passes: int | None = None, kept: float | None = None) -> None:
        self.ns = ns
        self.passes = passes  # where the block ended by the clock: how far it came
        self.kept = kept  # the share of its speed that a computing thread kept


Runner = Callable[[int], Timed]


def _pysock() -> ModuleType:
    """The installed package; where there is none, the one built in place."""
    root = str(Path(__file__).parents[2])
    if importlib.util.find_spec("pysock") is None and root not in sys.path:
        sys.path.append(root)
    return importlib.import_module("pysock")


@functools.cache
def _fallback() -> ModuleType:
    """A second copy of the package under another name: its imports are relative."""
    if os.environ.get(SWITCH):
        return _pysock()
    package = Path(_pysock().__file__ or "").parent
    spec = importlib.util.spec_from_file_location(
        "pysock_fallback", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    os.environ[SWITCH] = "1"
    try:
        spec.loader.exec_module(module)
    finally:
        del os.environ[SWITCH]
    if module.BACKEND != "stdlib":
        raise ImportError(f"the fallback came up with the backend {module.BACKEND!r}")
    return module


def socket_module(variant: str) -> ModuleType:
    """What the variant's user imports as ``socket``; the C loops get the standard library's."""
    if variant == PYSOCK:
        return _pysock()
    if variant == FALLBACK:
        return _fallback()
    return importlib.import_module("socket")


def own_code(function: Callable) -> Callable:
    """A copy of the function with bytecode of its own.

    The interpreter specializes bytecode for the class it sees. A user's loop sees one class of
    socket; a loop shared by the variants would see three, and specialize for none.
    """

    def copy(code: CodeType) -> CodeType:
        consts = (copy(c) if isinstance(c, CodeType) else c for c in code.co_consts)
        return code.replace(co_consts=tuple(consts))

    assert isinstance(function, FunctionType)
    return FunctionType(
        copy(function.__code__),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def timer(loop: Callable[[int], object]) -> Runner:
    """Run whole blocks of the loop by the clock, unless the loop holds the clock itself."""

    def run(n: int) -> Timed:
        begin = perf_counter_ns()
        outcome = loop(n)
        ns = perf_counter_ns() - begin
        if isinstance(outcome, Timed):
            return outcome
        return Timed(outcome if isinstance(outcome, int) else ns)

    return run


@contextmanager
def open_here(body: Callable, row: Row, variant: str) -> Iterator[Runner]:
    """The row's loop over the variant's sockets, in this process."""
    setup = contextmanager(own_code(body))
    with setup(socket_module(variant), **row.parameters) as (loop, operands):
        if variant == C:
            from harness import cloops

            assert row.c is not None
            loop = cloops.bind(row.c, *operands)
        yield timer(loop)
