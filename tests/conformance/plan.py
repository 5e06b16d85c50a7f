"""What is run: CPython's test modules, and the ways pysock is put in the place of `socket`.

A *mode* is how the test module meets pysock:

plain     not at all; the standard library's `socket`, the baseline
alias     the test module sees pysock as `socket`; libraries, imported before, keep the original
install   `pysock.install(asyncio=False)` comes first, so that everybody sees pysock's sockets
loop      `pysock.EventLoop` is asyncio's SelectorEventLoop; `socket` is the original
install+loop
          both
coalesce+loop
          `loop`, and what one callback writes leaves in one system call; in C only
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BASELINE = "baseline"
BACKENDS = ("c", "stdlib")
MODES = ("alias", "install", "loop", "install+loop", "coalesce+loop")


@dataclass(frozen=True)
class Module:
    name: str
    modes: tuple[str, ...] = ("install",)
    c_modes: tuple[str, ...] = ()  # those that the C backend alone runs
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

    @property
    def replaces_sockets(self) -> bool:
        return self.mode == "alias" or "install" in self.mode

    @property
    def replaces_loop(self) -> bool:
        return "loop" in self.mode

    def baseline(self) -> Run:
        return replace(self, backend=BASELINE, mode="plain")


def asyncio_tests(name: str, *modes: str, **details) -> Module:
    return Module(f"test.test_asyncio.test_{name}", modes=modes, **details)


# Of asyncio's other tests, which take a second or so. The second ones are not in every version.
# Left out are test_futures, test_transports and a few more: they make no loop but mocks.
SHORT_ASYNCIO = (
    "buffered_proto",
    "context",
    "futures2",
    "locks",
    "queues",
    "runners",
    "server",
    "threads",
    "waitfor",
)
NEW_ASYNCIO = ("eager_task_factory", "staggered", "taskgroups", "timeouts")

# The longest and the exclusive one first: the others fill the time beside it.
MODULES = (
    Module("test.test_socket", modes=("alias", "install"), exclusive="the fixed vsock port"),
    Module("test.test_ssl"),
    Module("test.test_selectors"),
    asyncio_tests("tasks", c_modes=("loop",)),
    asyncio_tests("events", "install", "loop", c_modes=("install+loop", "coalesce+loop")),
    asyncio_tests("subprocess", c_modes=("loop",)),
    asyncio_tests("ssl", c_modes=("loop", "coalesce+loop"), optional=True),
    asyncio_tests("sendfile", c_modes=("loop", "coalesce+loop")),
    asyncio_tests("sock_lowlevel", "install", "loop", c_modes=("install+loop",)),
    Module("test.test_ftplib"),
    Module("test.test_poplib"),
    asyncio_tests("base_events", "install", "loop", c_modes=("coalesce+loop",)),
    asyncio_tests("sslproto", c_modes=("loop", "coalesce+loop")),
    asyncio_tests("selector_events", "install", "loop", c_modes=("coalesce+loop",)),
    asyncio_tests("unix_events", "install", c_modes=("loop", "coalesce+loop")),
    asyncio_tests("streams", "loop", c_modes=("install+loop", "coalesce+loop")),
    *(asyncio_tests(name, c_modes=("loop",)) for name in SHORT_ASYNCIO),
    *(asyncio_tests(name, c_modes=("loop",), optional=True) for name in NEW_ASYNCIO),
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


def choose_modules(names: list[str], modes: list[str]) -> list[Module]:
    """The listed modules of these names, or all; an unlisted one runs in install mode.

    With *modes*, a named module runs in these on both backends; and of all modules, only these runs
    are left.
    """
    listed = {key: module for module in MODULES for key in (module.name, module.short)}
    chosen = [listed.get(name) or Module(name) for name in names] or MODULES
    if not modes:
        return list(chosen)
    if names:
        return [replace(module, modes=tuple(modes), c_modes=()) for module in chosen]
    return [
        replace(
            module,
            modes=tuple(mode for mode in module.modes if mode in modes),
            c_modes=tuple(mode for mode in module.c_modes if mode in modes),
        )
        for module in chosen
    ]


def plan_runs(pythons: list[str], backends: list[str], modules: list[Module]) -> list[Run]:
    runs = []
    for python in pythons:
        for module in modules:
            compared = [
                Run(python, backend, mode, module)
                for backend in backends
                for mode in (module.modes + module.c_modes if backend == "c" else module.modes)
            ]
            if compared:
                runs += [compared[0].baseline(), *compared]
    return runs
