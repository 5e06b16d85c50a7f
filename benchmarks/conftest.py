"""pytest's side of the benchmark suite: options, the ``measure`` fixture, the table at the end."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Callable
from typing import Any

import pytest
from harness import cloops, needs
from harness.rounds import Comparison, opener
from harness.row import Row
from harness.table import render
from harness.variants import FALLBACK, PYSOCK, STDLIB, C, socket_module

FIGURES = pytest.StashKey[list[dict[str, Any]]]()


class Clock:
    """What pytest-benchmark takes for the time: it goes on by pysock's seconds per operation.

    A round runs every variant, so its own duration says nothing; this way the statistics in
    pytest-benchmark's JSON, and its comparisons between runs, are those of pysock.
    """

    __name__ = "seconds_per_operation"

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


CLOCK = Clock()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pysock's benchmarks")
    group.addoption("--rows", metavar="EXPRESSION", help="which rows to run; the same as -k")
    group.addoption("--quick", action="store_true", help="every row, a few short rounds each")
    group.addoption(
        "--require-extensions", action="store_true", help="fail unless pysock.BACKEND is 'c'"
    )


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def pytest_configure(config: pytest.Config) -> None:
    signal.signal(signal.SIGTERM, _interrupt)  # so that what was started is stopped
    config.stash[FIGURES] = []
    if config.getoption("--rows"):
        config.option.keyword = config.getoption("--rows")
    if config.getoption("--require-extensions") and backend() != "c":
        raise pytest.UsageError(f"--require-extensions: pysock.BACKEND is {backend()!r}")


def backend() -> str:
    return socket_module(PYSOCK).BACKEND


def pytest_report_header() -> list[str]:
    lines = [
        f"pysock: BACKEND = {backend()!r}, {platform.python_implementation()} "
        f"{platform.python_version()}, {platform.system()} {platform.release()}"
    ]
    if backend() != "c":
        lines.append("NO EXTENSION: the pysock column is the standard library with loops around it")
    if reason := cloops.reason_unavailable():
        lines.append(f"no C column: {reason}")
    return lines


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if declared := getattr(metafunc.function, "rows", None):
        metafunc.parametrize("row", declared, ids=[row.name for row in declared])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=CLOCK))


@pytest.fixture
def measure(benchmark: Any, pytestconfig: pytest.Config) -> Callable[[Callable, Row], None]:
    """Run the rounds of a row through the ``benchmark`` fixture and keep its figures."""

    def measure(body: Callable, row: Row) -> None:
        if lacking := [need for need in row.needs if not needs.is_there(need)]:
            pytest.skip(f"{row.title}: needs {' and '.join(lacking)}")
        with_c = row.c is not None and cloops.reason_unavailable() is None
        beside = [name for name in row.beside if needs.is_there(needs.module(name))]
        variants = [*([C] if with_c else []), STDLIB, PYSOCK, FALLBACK, *beside]
        openers = {variant: opener(body, row, variant) for variant in variants}
        with Comparison(openers, row, pytestconfig.getoption("--quick")) as comparison:

            def play_round() -> None:
                comparison.play_round()
                CLOCK.seconds += comparison.last_ns / 1e9

            benchmark.pedantic(play_round, rounds=comparison.rounds)
            if not pytestconfig.getoption("--quick"):
                comparison.play_on()
            figures = comparison.figures()
        benchmark.extra_info.update(figures)
        pytestconfig.stash[FIGURES].append(figures)

    return measure


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.pop("node", None)  # a published file does not name the machine
    machine_info["cpus"] = os.cpu_count()


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    output_json["pysock"] = {"backend": backend()}
    for entry in output_json["benchmarks"]:
        entry["stats"].pop("data", None)  # every round of every row: of no use in a result file


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if figures := config.stash[FIGURES]:
        terminalreporter.section("operations")
        terminalreporter.write_line(render(figures))
        for report in terminalreporter.stats.get("skipped", []):
            terminalreporter.write_line(f"not run: {report.longrepr[2].removeprefix('Skipped: ')}")
        if backend() != "c":
            terminalreporter.write_line("No extension was loaded: these are not pysock's figures.")
