"""The recipes that need a server or a client of somebody else run against the real one.

Each command is the one that the example says, with free ports. It runs in the examples' folder.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.needs import needs
from support.paths import ROOT

EXAMPLES = ROOT / "examples"
# pyproject.toml installs these on every version that they can be built for.
no_wheels = pytest.mark.skipif(sys.version_info >= (3, 15), reason="aiohttp is not installed there")


@pytest.fixture
def environment(pysock):
    chosen = {key: value for key, value in os.environ.items() if key != "PYSOCK_NO_EXTENSIONS"}
    chosen["PYTHONPATH"] = str(ROOT)
    if pysock.BACKEND == "stdlib":
        chosen["PYSOCK_NO_EXTENSIONS"] = "1"
    return chosen


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.fixture
def redis_server(port, tmp_path):
    """The port of a redis-server of our own."""
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with ended(["redis-server", *options], dict(os.environ)):
        answered(lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close())
        yield port


@contextlib.contextmanager
def ended(command, environment):
    """A command in the folder of the examples. It is ended as a service is: by SIGTERM."""
    process = subprocess.Popen(
        command,
        cwd=EXAMPLES,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.said, _ = process.communicate(timeout=30)
        finally:
            process.kill()


def answered(ask):
    """What the server answers as soon as it does."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def get(port, path="/", data=None):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=30) as response:
        return response.read()


def command_of(example, program):
    """The command that the example says, with the tested interpreter."""
    text = (EXAMPLES / example).read_text()
    (line,) = re.findall(rf"^(?:Run it: | {{8}})({program} .*)$", text, re.M)
    words = shlex.split(line)
    return [sys.executable, *(words[1:] if words[0] == "python" else ["-m", *words])]


@needs("uvicorn", find_spec("uvicorn"))
def test_uvicorn(environment, port):
    command = command_of("asgi_app.py", "uvicorn")
    with ended([*command, "--port", str(port)], environment) as server:
        pid, loop = answered(lambda: get(port)).split()
        assert (int(pid), loop) == (server.pid, b"pysock.EventLoop")
        assert {get(port) for _ in range(20)} == {pid + b" " + loop}
    assert server.returncode in (0, -signal.SIGTERM), server.said
    assert "Traceback" not in server.said


@needs("gunicorn", find_spec("gunicorn") and find_spec("uvicorn_worker"))
@pytest.mark.parametrize("example", ["asgi_app.py", "gunicorn_worker.py"])
def test_gunicorn(environment, port, example):
    command = command_of(example, "gunicorn")
    with ended([*command, "--bind", f"127.0.0.1:{port}"], environment) as server:
        pid, loop = answered(lambda: get(port)).split()
        assert int(pid) != server.pid and loop == b"pysock.EventLoop"
        assert {get(port).split()[1] for _ in range(20)} == {loop}
    assert server.returncode == 0, server.said
    assert "Traceback" not in server.said


@no_wheels
@needs("aiohttp", find_spec("aiohttp"))
def test_aiohttp(environment, port):
    command = [sys.executable, "aiohttp_app.py", str(port)]
    with ended(command, environment) as server:
        assert answered(lambda: get(port)) == b"pysock.EventLoop"
        body = os.urandom(300_000)
        assert get(port, "/echo", body) == body
    assert server.returncode == 0, server.said
    assert "Traceback" not in server.said


@needs("redis-server", shutil.which("redis-server"))
@needs("redis", find_spec("redis"))
def test_redis(environment, redis_server):
    command = [sys.executable, "-m", "pysock", "redis_clients.py"]
    done = subprocess.run(
        [*command, f"redis://127.0.0.1:{redis_server}"],
        cwd=EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "redis.asyncio ran on EventLoop",
        "every value came back",
    ]


@needs("dnspython", find_spec("dns"))
def test_dns_server(environment, port):
    """Asked by dnspython's own resolver, by whoever sends rubbish, and by many at once."""
    import dns.message
    import dns.rcode
    import dns.resolver

    with ended([sys.executable, "dns_server.py", f"127.0.0.1:{port}"], environment) as server:
        assert server.stdout.readline() == f"serving on 127.0.0.1:{port}\n"
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        with socket.socket(type=socket.SOCK_DGRAM) as rude:
            for rubbish in (b"", b"x", bytes(12), os.urandom(100)):
                rude.sendto(rubbish, ("127.0.0.1", port))
        found = {record.to_text() for record in resolver.resolve("WWW.example.org.", "A")}
        assert found == {"192.0.2.1", "192.0.2.2"}
        assert [r.to_text() for r in resolver.resolve("example.org.", "MX")] == [
            "10 mail.example.org."
        ]
        with pytest.raises(dns.resolver.NoAnswer):
            resolver.resolve("example.org.", "A")
        with pytest.raises(dns.resolver.NXDOMAIN):
            resolver.resolve("nobody.example.org.", "A")
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            asked = [dns.message.make_query("www.example.org.", "AAAA") for _ in range(50)]
            for query in asked:
                client.send(query.to_wire())
            answers = [dns.message.from_wire(client.recv(512)) for _ in asked]
        assert {reply.id for reply in answers} == {query.id for query in asked}
        assert {reply.answer[0][0].address for reply in answers} == {"2001:db8::1"}
    assert server.returncode == 0, server.said
    assert server.said == "answered 54, dropped by the kernel 0\n"


def test_every_recipe_is_shown_whole():
    """What the site shows is the file that is run here and in test_examples.py."""
    pages = "".join(path.read_text() for path in sorted(Path(ROOT, "docs").rglob("*.md")))
    included = re.findall(r"\{literalinclude\} (\S+)", pages)
    shown = {re.sub(r"^(\.\./)+examples/", "", path) for path in included}
    assert all((EXAMPLES / name).is_file() for name in shown)
    named = {path.name for path in EXAMPLES.glob("*.py")} - {"demo.py"}
    assert named - shown == {f"greeting_{kind}.py" for kind in ("tcp", "udp", "unix")}
