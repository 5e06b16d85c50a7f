"""The parent's side of a worker: a runner whose blocks happen in a fresh process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.programs import Process
from harness.row import Row
from harness.variants import Runner, Timed


@contextmanager
def open_child(body: Callable, row: Row, variant: str) -> Iterator[Runner]:
    """The row's loop over the variant's sockets, in a process with the row's heap."""
    where = [body.__module__, body.__name__, row.name]
    command = [sys.executable, "-m", "harness.worker", variant, row.heap or "any", *where]
    with Process(command, variant) as worker:
        worker.readline()

        def run(n: int) -> Timed:
            return Timed(*json.loads(worker.ask(n)))

        yield run
