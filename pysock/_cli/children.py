"""Processes of this interpreter that answer questions, each of them a line of JSON."""

import contextlib
import json
import os
import signal
import subprocess
import sys

from .._shared import PACKAGE

CODE = """\
import sys
sys.path[:] = {first!r}
import {package}
sys.path[:] = {path!r}
from {package}._cli.{module} import serve
serve(*{arguments!r})
"""


def code(module, arguments):
    """Return a program that runs `serve(*arguments)` of *module*, a module of this folder."""
    first = sys.path
    top = sys.modules[PACKAGE.partition(".")[0]]
    folder = os.path.dirname(os.path.abspath(next(iter(top.__path__))))
    if folder not in first:  # as where `-m` had added it
        first = [folder, *first]
    return CODE.format(
        first=first, path=sys.path, package=PACKAGE, module=module, arguments=arguments
    )


class Child:
    """A process that runs `serve(*arguments)` of *module*. It ends when its parent dies, too.

    Its group is its own, unless it is the child of a child. A Ctrl-C at the terminal is for the
    first process alone, which ends all others.
    """

    def __init__(self, module, *arguments, group=True):
        self._name, self._group = module, group
        flags = subprocess._args_from_interpreter_flags()  # multiprocessing uses it, too
        self._process = subprocess.Popen(
            [sys.executable, *flags, "-c", code(module, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=group,
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if any(failure) and self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def ask(self, question):
        """Return the answer to *question*."""
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            # A BrokenPipeError would look like one of standard output.
            raise ChildProcessError(f"the process of {self._name} has ended") from error


def answer(function):
    """Answer the questions of the parent, each a list of *function*'s arguments."""
    for line in sys.stdin:
        said = json.dumps(function(*json.loads(line)))
        try:
            print(said, flush=True)
        except BrokenPipeError:  # the parent has died
            os._exit(1)
