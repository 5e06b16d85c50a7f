"""The loops in plain C: compiled into one shared library on first use, called with a count."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "c"
BUILD = Path(__file__).parents[1] / ".build"
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread"]


class Unavailable(Exception):
    """There is no C column on this machine; the text says why."""


def _compile(target: Path, compiler: list[str], sources: list[Path]) -> None:
    BUILD.mkdir(exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}")
    command = [*compiler, *FLAGS, "-o", str(partial), *map(str, sources)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Unavailable(f"no C compiler: {compiler[0]} was not found") from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"the C loops do not compile: {error.stderr.strip()}") from None
    partial.replace(target)


@functools.cache
def library() -> ctypes.CDLL:
    """The compiled loops; the name of the file changes with the sources and the compiler."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    sources = sorted(SOURCES.glob("*.c"))
    digest = hashlib.sha256(repr((compiler, FLAGS)).encode())
    for path in sorted(SOURCES.iterdir()):
        digest.update(path.read_bytes())
    target = BUILD / f"loops-{digest.hexdigest()[:16]}.so"
    if not target.exists():
        _compile(target, compiler, sources)
    return ctypes.CDLL(str(target))


def reason_unavailable() -> str | None:
    """Why there is no C column, or None."""
    try:
        library()
    except Unavailable as reason:
        return str(reason)
    return None


def _as_c(operand: object) -> object:
    if isinstance(operand, int):
        return ctypes.c_int(operand)
    if isinstance(operand, str):
        return ctypes.c_char_p(operand.encode())
    if hasattr(operand, "fileno"):
        return ctypes.c_int(operand.fileno())
    return operand


def bind(name: str, *operands: object) -> Callable[[int], int | None]:
    """``loop(n)`` over the C function: None, or the nanoseconds that it measured itself."""
    function = getattr(library(), name)
    function.restype = ctypes.c_int64
    arguments = [_as_c(operand) for operand in operands]

    def loop(n: int) -> int | None:
        outcome = function(ctypes.c_int64(n), *arguments)
        if outcome < 0:
            raise OSError(-outcome, os.strerror(-outcome), name)
        return outcome or None

    return loop
