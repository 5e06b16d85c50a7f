"""What a row of the table is, and how a benchmark declares its rows."""

# A worker with a cold heap imports this file: it must stay free of large imports (typing,
# dataclasses), because loading their bytecode frees a block big enough to warm the heap.
from __future__ import annotations

from collections.abc import Callable

HERE = "here"  # every variant in this process
CHILD = "child"  # each variant in a worker process of its own
PROGRAM = "program"  # each variant is a whole program: python prog.py, python -m pysock prog.py


class Row:
    """One line of the table: an operation, what is promised for it, and how it is measured."""

    def __init__(
        self,
        title: str,
        floor: float | None = None,
        aim: float | None = None,
        *,
        c: str | None = None,
        where: str = HERE,
        heap: str | None = None,
        beside: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
        per: int = 1,
        block_ms: float = 1.0,
        best: bool = True,
        rounds: int = 160,
        setups: int = 4,
        **parameters: object,
    ) -> None:
        self.title = f"{title}, {heap} heap" if heap else title
        self.floor = floor  # the ratio that is promised at least; shown, never asserted
        self.aim = aim
        self.c = c  # the loop in c/*.c that makes the same system calls
        self.where = CHILD if heap and where == HERE else where
        self.heap = heap  # "cold", "warm", or None where the allocator does not matter
        self.beside = beside  # further variants that only this row has
        self.needs = needs  # see needs.py
        self.per = per  # operations in one pass of the loop
        self.block_ms = block_ms
        self.best = best  # False: the median, where a lucky block would not be the truth
        self.rounds = rounds
        self.setups = setups  # how often the rounds start again with fresh sockets or processes
        if heap and self.where == PROGRAM:
            parameters["heap"] = heap
        self.parameters = parameters

    @property
    def name(self) -> str:
        """The title in a form that ``-k`` can select."""
        words = "".join(c if c.isalnum() else " " for c in self.title.lower()).split()
        return "-".join(words)


def rows(*declared: Row) -> Callable[[Callable], Callable]:
    """Turn a generator function into a benchmark with these rows.

    The function gets the socket module of a variant (for whole programs: the variant's name)
    and the row's parameters. It sets up, yields ``loop, operands`` and cleans up: ``loop(n)``
    runs the operation n times, ``operands`` are what the C loop takes after n.
    """

    def declare(body: Callable) -> Callable:
        def bench(measure: Callable, row: Row) -> None:
            measure(body, row)

        bench.__name__ = body.__name__
        bench.__doc__ = body.__doc__
        bench.__module__ = body.__module__
        bench.body = body  # type: ignore[attr-defined]
        bench.rows = declared  # type: ignore[attr-defined]
        return bench

    return declare
