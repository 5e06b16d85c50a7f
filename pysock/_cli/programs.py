"""The rows of whole programs: each variant has a process of its own, and their rounds alternate."""

import contextlib
import random

from . import children, loops, threads
from .variants import VARIANTS

ROWS = threads.ROWS + loops.ROWS


@contextlib.contextmanager
def started():
    """Start the process of each variant; it is None where the variant is not installed."""
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(children.Child("worker", name)) for name in VARIANTS}
        yield {name: worker if worker.ask([]) else None for name, worker in workers.items()}


def nanoseconds(figures, key):
    """Return a figure of a row as the time of one operation."""
    return 1e9 / figures[key] if key.endswith("/s") else 1e9 * figures[key]


def measure(row, workers, rounds, seconds):
    """Yield the title of each line of *row*, and the times by variant: None if not installed."""
    names = [name for name in VARIANTS if row.of_loop or not VARIANTS[name].only_loop]
    answers = {name: [] for name in names if workers[name]}
    for _ in range(rounds):
        for name in random.sample(list(answers), len(answers)):
            answers[name].append(workers[name].ask([ROWS.index(row), seconds]))
    for title, key in row.lines.items():
        times = {name: [nanoseconds(each, key) for each in got] for name, got in answers.items()}
        yield title, {name: times.get(name) for name in names}
