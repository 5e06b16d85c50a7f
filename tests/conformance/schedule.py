"""Runs side by side, never two that need the same exclusive resource."""

from __future__ import annotations

import threading
from collections.abc import Callable

from plan import Run
from supervisor import Record


def run_all(runs: list[Run], jobs: int, execute: Callable[[Run], Record]) -> dict[Run, Record]:
    waiting, records, busy, failures = list(runs), {}, set(), []
    changed = threading.Condition()

    def take() -> Run | None:
        """The first run that may start now; None when there is none left."""
        with changed:
            while waiting and not failures:
                for run in waiting:
                    if run.module.exclusive not in busy:
                        waiting.remove(run)
                        if run.module.exclusive:
                            busy.add(run.module.exclusive)
                        return run
                changed.wait()
        return None

    def work() -> None:
        while run := take():
            try:
                records[run] = execute(run)
            except BaseException as error:  # raised again by the main thread
                failures.append(error)
            finally:
                with changed:
                    busy.discard(run.module.exclusive)
                    changed.notify_all()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return records
