"""Child programs: started on the standard library or on pysock, heard, and always reaped."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pysock

PROGRAMS = Path(__file__).parent / "programs"
WITNESS = Path(__file__).parent / "witness"
SECONDS_TO_START = 10
SECONDS_TO_RUN = 30

Process: TypeAlias = "subprocess.Popen[str]"
Announced: TypeAlias = tuple[str, str]  # a server's port or path, its socket class


class ChildFailed(Exception):
    """A child program that did not do its work; the text says which, and what it said."""


@dataclass(frozen=True)
class Runtime:
    """A way to run an unchanged program, and the socket class that the program must then see."""

    name: str
    python: tuple[str, ...]
    socket_class: str


STDLIB = Runtime("stdlib", (sys.executable,), str(socket.socket))
PYSOCK = Runtime("pysock", (sys.executable, "-m", "pysock"), str(pysock.socket))


@contextmanager
def child(command: Sequence[str | Path], **streams: Any) -> Iterator[Process]:
    """A child process for the length of a `with` block, ended and reaped at the end of it."""
    process = None
    try:
        with signals_held():
            process = subprocess.Popen(command, text=True, cwd=PROGRAMS, **streams)
        yield process
    finally:
        if process is not None:
            stop(process)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back: inside of Popen() they would leave a child nobody knows of."""
    held: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(number, lambda number, _: held.append(number)) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)
    for arrived in held:
        signal.raise_signal(arrived)


def stop(process: Process) -> None:
    """End a child by its own process id, politely first, and reap it."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in filter(None, (process.stdout, process.stderr)):
        pipe.close()


@contextmanager
def serving(runtime: Runtime, *arguments: str | Path, witness: bool = False) -> Iterator[Announced]:
    """Run a server for the length of a `with` block; gives (its port or path, its socket class)."""
    command = [*runtime.python, *arguments]
    environment = surroundings([WITNESS] if witness else [])
    # The log goes to a file: a pipe that nobody reads would fill, and stop the server.
    with (
        tempfile.TemporaryFile("w+") as log,
        child(command, stdout=subprocess.PIPE, stderr=log, env=environment) as process,
    ):
        try:
            yield announcement(process)
            if process.poll() is not None:
                raise ChildFailed("the server ended early")
        except ChildFailed as failure:
            log.seek(0)
            raise ChildFailed(f"{failure}\n{tail(log.read())}".rstrip()) from None


def announcement(process: Process) -> Announced:
    """Read the first lines of a server, up to those that tell where it listens and with what."""
    text = ""
    # A server that says nothing must not stop the demo for ever.
    alarm = threading.Timer(SECONDS_TO_START, process.kill)
    alarm.start()
    try:
        for line in process.stdout or ():
            text += line
            # "port" is the wording of http.server, "listening on" that of the demo's own.
            address = re.search(r"(?:listening on|port) (\S+)", text)
            socket_class = re.search(r"with (<class .*>)", text)
            if address and socket_class:
                return address[1], socket_class[1]
    finally:
        alarm.cancel()
    raise ChildFailed("the server did not start")


def output(*command: str | Path) -> str:
    """Run a client to its end and return what it printed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with child(command, **pipes, env=surroundings()) as process:
        try:
            printed, complaints = process.communicate(timeout=SECONDS_TO_RUN)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"no end after {SECONDS_TO_RUN} s: {command}") from None
    if process.returncode:
        raise ChildFailed(f"exit status {process.returncode}\n{tail(complaints)}")
    return printed


def report(runtime: Runtime, *command: str | Path) -> Any:
    """Run a Python client to its end and return the report that it printed, as a dictionary."""
    return json.loads(output(*runtime.python, *command))


def surroundings(first_imports: Iterable[Path] = ()) -> dict[str, str]:
    """The environment of a child, the same with and without pysock."""
    # The demo's own pysock, not another that lies in the current folder (see also `cwd` above).
    paths = [*first_imports, Path(pysock.__file__).parent.parent]
    if inherited := os.environ.get("PYTHONPATH"):
        paths += [Path(path).absolute() for path in inherited.split(os.pathsep)]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONUNBUFFERED": "1",
        # No proxy between this machine and itself.
        "no_proxy": "*",
        "NO_PROXY": "*",
    }


def tail(text: str, lines: int = 8) -> str:
    """The end of an error output: that is where Python names the exception."""
    return "\n".join(text.splitlines()[-lines:])
