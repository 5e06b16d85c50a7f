"""Projects whose source distributions have their tests in them, and how those are run.

What is left out needs the internet, or a server that Debian's packages do not give.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    name: str
    version: str
    tests: tuple[str, ...] = ("tests",)
    servers: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()  # of pytest, beside pytest-timeout
    options: tuple[str, ...] = ()  # of pytest; {NAMES} are what the servers say
    ignored: tuple[str, ...] = ()  # files and directories
    deselected: tuple[str, ...] = ()  # the beginnings of tests' names
    prepare: Callable[[Path, str, Mapping[str, str]], None] | None = None  # tree, python, found


def make_user(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """The one that pg8000's tests are, whose password they expect."""
    code = (
        "import sys; from pg8000.native import Connection\n"
        "with Connection('compat', '127.0.0.1', 'postgres', int(sys.argv[1]), sys.argv[2]) as db:\n"
        "    db.run('CREATE ROLE postgres SUPERUSER LOGIN PASSWORD $$pw$$')\n"
    )
    where = [found["POSTGRES_PORT"], found["POSTGRES_PASSWORD"]]
    subprocess.run([python, "-I", "-c", code, *where], check=True)


def name_databases(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """PyMySQL's tests read where their databases are."""
    where = {
        "host": "127.0.0.1",
        "port": int(found["MARIADB_PORT"]),
        "user": "compat",
        "passwd": found["MARIADB_PASSWORD"],
    }
    first = {**where, "db": "test1", "use_unicode": True, "local_infile": True}
    databases = [first, {**where, "db": "test2"}]
    (tree / "pymysql/tests/databases.json").write_text(json.dumps(databases), encoding="utf-8")


def at_the_port(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """Some of redis-py's tests want the server at the usual port, whatever they are told."""
    for name in (
        "sentinel",
        "connection_pool",
        "asyncio/test_sentinel",
        "asyncio/test_connection_pool",
    ):
        path = tree / f"tests/test_{name}.py"
        source = path.read_text(encoding="utf-8").replace("6379", found["REDIS_PORT"])
        path.write_text(source, encoding="utf-8")


def stand_in_for_icecream(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """A debugging aid whose wheel brings a package `tests`, in the way of everyone's."""
    source = "from unittest.mock import Mock\n\nic = install = Mock()\n"
    (tree / "icecream.py").write_text(source, encoding="utf-8")


def without_its_own_package(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """What is compiled is in the wheel: the tests import the one that is installed."""
    names = ("aiohttp", "uvloop", "aiofastnet")
    [package] = (path for path in (tree / name for name in names) if path.exists())
    shutil.rmtree(package)


def on_the_loop(tree: Path, python: str, found: Mapping[str, str]) -> None:
    """aiofastnet's tests call the loop's own methods where they are told so."""
    without_its_own_package(tree, python, found)
    path = tree / "tests/utils.py"
    source = path.read_text(encoding="utf-8")
    told = source.replace("NO_AIOFN = os.environ.get('NO_AIOFN')", "NO_AIOFN = True")
    assert told != source
    path.write_text(told, encoding="utf-8")


# Those that compare uvloop's loop with asyncio's. The others look into uvloop.
UVLOOP_TESTS = (
    "aiohttp",
    "base",
    "context",
    "dns",
    "executors",
    "pipes",
    "process",
    "signals",
    "sockets",
    "tcp",
    "udp",
    "unix",
)

# Those of connections over TLS. Some want what asyncio does not have.
AIOFASTNET_TESTS = ("smoke", "ssl_engine", "protocol_error", "api_streams")

PROJECTS = [
    Project("urllib3", "2.8.0", ("test",), plugins=("anyio.pytest_plugin", "pytest_socket")),
    Project(
        "redis",
        "8.1.0",
        servers=("redis",),
        plugins=("pytest_asyncio.plugin",),
        options=(
            "--redis-url=redis://127.0.0.1:{REDIS_PORT}/0",
            "-m",
            "not redismod and not onlycluster and not ssl and not multidb_integration",
        ),
        ignored=(
            "tests/test_scenario",
            "tests/test_asyncio/test_scenario",
            "tests/maint_notifications",
            "tests/test_credentials.py",
            "tests/test_asyncio/test_credentials.py",
        ),
        prepare=at_the_port,
    ),
    Project(
        "PyMySQL",
        "0.10.1",  # the last whose source distribution has them
        ("pymysql/tests",),
        servers=("mariadb",),
        prepare=name_databases,
    ),
    Project(
        "dnspython",
        "2.9.2",
        deselected=(  # DNS over HTTP/3 is not in Debian, nor among the requirements
            "tests/test_tsig_doh_doq.py::test_signed_response[doh]",
            "tests/test_tsig_doh_doq.py::test_signed_response[async_doh]",
            "tests/test_tsig_doh_doq.py::test_unsigned_response[doh]",
            "tests/test_tsig_doh_doq.py::test_unsigned_response[async_doh]",
        ),
    ),
    Project("waitress", "3.0.2", plugins=("pytest_cov",), options=("--no-cov",)),
    Project(
        "pymemcache",
        "4.0.0",
        ("pymemcache/test",),
        servers=("memcached",),
        plugins=("pytest_cov",),
        options=(
            "--no-cov",
            "--server=127.0.0.1",
            "--port={MEMCACHED_PORT}",
            "-m",
            "unit or integration",
        ),
    ),
    Project(
        "pg8000",
        "1.31.6",
        ("test",),
        servers=("postgres",),
        plugins=("pytest_benchmark.plugin", "pytest_mock"),
        options=("--benchmark-disable",),
        # Each needs a server of another configuration.
        ignored=("test/native/auth", "test/dbapi/auth", "test/legacy/auth"),
        # A race of the server's last words with its reset: 17 of 24 are lost on either side.
        deselected=tuple(
            f"test/{api}/test_connection.py::test_broken_pipe_read"
            for api in ("native", "dbapi", "legacy")
        ),
        prepare=make_user,
    ),
    Project("pyftpdlib", "2.2.0"),
    Project(
        "aiosmtpd",
        "1.4.6",
        ("aiosmtpd/tests",),
        plugins=("pytest_asyncio.plugin", "pytest_cov", "pytest_mock"),
        options=("--no-cov", "-o", "asyncio_default_fixture_loop_scope=function"),
    ),
    Project("paramiko", "5.1.0", prepare=stand_in_for_icecream),
    Project(
        "gunicorn", "27.0.1", plugins=("pytest_asyncio.plugin", "pytest_cov"), options=("--no-cov",)
    ),
    Project("trio", "0.35.0", ("src/trio/_tests",)),
    Project("anyio", "4.16.0"),
    Project(
        "aiohttp",
        "3.14.5",
        plugins=("pytest_cov", "pytest_mock", "xdist"),
        options=(
            "-o",
            "addopts=",
            "-m",
            "not dev_mode and not autobahn and not internal",
            "--aiohttp-loop=pyloop",
            "--ignore-glob=tests/test_benchmarks_*",
        ),
        prepare=without_its_own_package,
    ),
    Project(
        "hypercorn",
        "0.18.0",
        plugins=("pytest_asyncio.plugin", "pytest_cov", "pytest_trio.plugin"),
        options=("--no-cov",),
        deselected=(  # today's h2 refuses the request that they make
            "tests/asyncio/test_sanity.py::test_http2_websocket",
            "tests/trio/test_sanity.py::test_http2_websocket",
        ),
    ),
    Project(
        "uvicorn",
        "0.54.0",
        plugins=("anyio.pytest_plugin", "pytest_mock", "pytest_codspeed.plugin"),
        options=("-o", "addopts="),
    ),
    Project(
        "uvloop",
        "0.23.0",
        tuple(f"tests/test_{name}.py" for name in UVLOOP_TESTS),
        options=("-k", "AIO"),  # each test is there for uvloop's loop and for asyncio's
        prepare=without_its_own_package,
    ),
    Project(
        "aiofastnet",
        "1.2.0",
        tuple(f"tests/test_{name}.py" for name in AIOFASTNET_TESTS),
        plugins=("pytest_asyncio.plugin",),
        options=("-k", "not uvloop and not udp and (ssl or tls)"),
        prepare=on_the_loop,
    ),
]
