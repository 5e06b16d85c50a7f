"""What is run: CPython's test modules, and the ways pysock is put in the place of `socket`.

A *mode* is how the test module meets pysock:

plain     not at all; the standard library's `socket`, the baseline
alias     the test module sees pysock as `socket`; libraries, imported before, keep the original
install   `pysock.install()` comes first, so that everybody sees pysock
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BASELINE = "baseline"
BACKENDS = ("c", "stdlib")


@dataclass(frozen=True)
class Module:
    name: str
    modes: tuple[str, ...] = ("install",)
    exclusive: str | None = None  # a machine-wide resource: one run at a time
    only: str | None = None  # a pattern on test ids, where the rest does not concern sockets
    optional: bool = False  # some installations of Python do not have it

    @property
    def short(self) -> str:
        return self.name.removeprefix("test.")


@dataclass(frozen=True)
class Run:
    """One module, on one interpreter, in one mode."""

    python: str
    backend: str
    mode: str
    module: Module

    def __str__(self) -> str:
        return f"{self.module.short} [{self.backend}, {self.mode}]"

    def baseline(self) -> Run:
        return replace(self, backend=BASELINE, mode="plain")


# The longest and the exclusive one first: the others fill the time beside it.
MODULES = (
    Module("test.test_socket", modes=("alias", "install"), exclusive="the fixed vsock port"),
    Module("test.test_ssl"),
    Module("test.test_selectors"),
    Module("test.test_asyncio.test_events"),
    Module("test.test_ftplib"),
    Module("test.test_poplib"),
    Module("test.test_asyncio.test_base_events"),
    Module("test.test_asyncio.test_sock_lowlevel"),
    Module("test.test_asyncio.test_selector_events"),
    Module("test.test_asyncio.test_unix_events"),
    Module("test.test_socketserver"),
    Module("test.test_httplib"),
    Module("test.test_select"),
    Module("test.test_timeout"),
    Module("test.test_smtplib"),
    Module("test.test_urllib2_localnet"),
    # sockets that travel between processes: connections, listeners, reduction
    Module("test.test_multiprocessing_fork", only="Connection|Listener|Reduction", optional=True),
    # instead of test_audit, which looks at a fresh process where `socket` is the original
    Module("audit_events", exclusive="port 8080"),
)

# Tests that no mode runs, the baseline included, by the end of their id.
EXCLUDED = {
    "ThreadedVSOCKSocketStreamTest.testStream": "hangs where /dev/vsock exists without a loopback, "
    "with the standard library too",
}


def choose_modules(names: list[str]) -> list[Module]:
    """The listed modules of these names; an unlisted name is a module to run in install mode."""
    listed = {key: module for module in MODULES for key in (module.name, module.short)}
    return [listed.get(name) or Module(name) for name in names] or list(MODULES)


def plan_runs(pythons: list[str], backends: list[str], modules: list[Module]) -> list[Run]:
    runs = []
    for python in pythons:
        for module in modules:
            runs.append(Run(python, BASELINE, "plain", module))
            runs += [
                Run(python, backend, mode, module) for backend in backends for mode in module.modes
            ]
    return runs
