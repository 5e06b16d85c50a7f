"""The legs on which one suite runs: the C backend, the fallback, and the standard library itself.

`net` is a module that stands in for `socket`: "c", "fallback" and, as the oracle, "socket" where a
test asks only for what the standard library has too. `pysock` is one of the first two, for what
pysock adds. A missing extension fails the "c" leg; it never skips it.
"""

import contextlib
import os
import signal
import sys
import time

import pytest
from support.channels import channels
from support.connections import BlackHole, found, refusing_address
from support.legs import load
from support.waits import fill


def pytest_addoption(parser):
    parser.addoption(
        "--no-extensions",
        action="store_true",
        help="run without the C leg, for an installation that was built without extensions",
    )
    parser.addoption(
        "--only-extensions",
        action="store_true",
        help="run the C leg alone, for a build that has something to say about C",
    )


def pytest_terminal_summary(terminalreporter):
    """Name what was not tried because it is not installed."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    for reason in sorted({reason.removeprefix("Skipped: ") for reason in reasons}):
        if reason.startswith("not installed: "):
            terminalreporter.write_line(reason)


def pytest_generate_tests(metafunc):
    legs, oracle = ["c", "fallback"], ["socket"]
    if metafunc.config.getoption("--no-extensions"):
        legs = ["fallback"]
    elif metafunc.config.getoption("--only-extensions"):
        legs, oracle = ["c"], []
    if "only_c" in metafunc.fixturenames:
        legs, oracle = [leg for leg in legs if leg == "c"], []
    if "only_pysock" in metafunc.fixturenames:
        oracle = []
    if "net" in metafunc.fixturenames:
        metafunc.parametrize("net", legs + oracle, indirect=True, scope="session")
    elif "pysock" in metafunc.fixturenames:
        metafunc.parametrize("pysock", legs, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def interrupts():
    """Children can be interrupted, also where a shell without job control started this run."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def net(request):
    return load(request.param)


@pytest.fixture(scope="session")
def pysock(request):
    return load(request.param)


@pytest.fixture
def only_c():
    """Asked for by what the C backend alone has: a test then has no other leg."""


@pytest.fixture
def only_pysock():
    """Asked for by what pysock adds, where a test has `net`: it has no leg of the oracle."""


@pytest.fixture
def module(request):
    """Whichever of `net` and `pysock` the test runs on."""
    name = "net" if "net" in request.fixturenames else "pysock"
    return request.getfixturevalue(name)


@pytest.fixture
def pair(module):
    """Two connected AF_UNIX stream sockets."""
    a, b = module.socketpair()
    with a, b:
        yield a, b


@pytest.fixture
def channel(pysock):
    """Makes connected ends of a kind: sockets, pipes."""
    with channels(pysock) as channel:
        yield channel


@pytest.fixture
def listener(module):
    with module.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(20)
        yield sock


@pytest.fixture
def listener6(module):
    with module.create_server(("::1", 0), family=module.AF_INET6) as sock:
        sock.settimeout(20)
        yield sock


@pytest.fixture
def tcp_pair(module):
    """A TCP connection over loopback: client, server."""
    with module.create_server(("127.0.0.1", 0)) as listener:
        client = module.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        yield client, server


@pytest.fixture
def udp_pair(module):
    """Two UDP sockets bound to loopback."""
    a = module.socket(module.AF_INET, module.SOCK_DGRAM)
    b = module.socket(module.AF_INET, module.SOCK_DGRAM)
    with a, b:
        a.bind(("127.0.0.1", 0))
        b.bind(("127.0.0.1", 0))
        yield a, b


@pytest.fixture
def black_hole():
    """Make one, of a family."""
    with contextlib.ExitStack() as stack:
        yield lambda *family: stack.enter_context(contextlib.closing(BlackHole(*family)))


@pytest.fixture
def refusing():
    with refusing_address() as address:
        yield address


@pytest.fixture
def connect(pysock, monkeypatch):
    """create_connection to a name that has the *addresses*: the resolver is made to say so."""

    def connect(addresses, *args, **options):
        monkeypatch.setattr(pysock, "getaddrinfo", lambda *args: found(addresses))
        return pysock.create_connection(("shop.invalid", 80), *args, **options)

    return connect


@pytest.fixture
def attempts(pysock, monkeypatch):
    """The addresses that a race, or a deadline, has begun to connect to, in that order."""
    begun = []

    class Recording(pysock.socket):
        def connect(self, address):
            begun.append(address)
            super().connect(address)

        def connect_ex(self, address):
            begun.append(address)
            return super().connect_ex(address)

    monkeypatch.setattr(pysock, "socket", Recording)
    return begun


@pytest.fixture
def zero(pysock):
    """Whether a zero-copy send is one: by C it must be, where the kernel can."""
    return bool(pysock.capabilities()["zerocopy"])


@pytest.fixture
def stream(pysock, pair):
    """(peer, a Stream on the other end)"""
    a, b = pair
    with pysock.Stream(b) as stream:
        yield a, stream


@pytest.fixture
def full_pair(pair):
    """A pair whose first socket can neither send nor receive."""
    a, b = pair
    fill(a)
    return a, b


@pytest.fixture
def alarms():
    """Run a handler every few milliseconds; the list tells how often it ran."""
    ran = []
    before = signal.signal(signal.SIGALRM, lambda *_: ran.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    yield ran
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def no_descriptor_is_lost():
    """Every test leaves as many open descriptors behind as it found."""
    before = set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()
    yield
    if sys.platform == "linux":
        after = set(os.listdir("/proc/self/fd"))
        left = {fd for fd in after - before if os.path.exists(f"/proc/self/fd/{fd}")}
        assert not left, {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in left}
