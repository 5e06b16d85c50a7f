"""Every example runs as a user would run it, on both backends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from support.paths import ROOT

EXAMPLES = ROOT / "examples"
GREETINGS = sorted(EXAMPLES.glob("greeting_*.py"))
DEMO = EXAMPLES / "demo.py"
# What the last line of each says, which it reaches only when everything held.
CHECKED = {
    "asyncio_fleet.py": "every connection was counted by its worker",
    "asyncio_datagrams.py": "the loop was never held up",
    "bulk_transfer.py": "every byte arrived",
    "chat.py": "the room is empty, the door is closed",
    "dns_stub.py": "100 of 100 questions answered",
    "flow_collector.py": "every flow was collected once",
    "proxy.py": "every byte arrived, both ways",
    "rpc.py": "every call had its answer",
    "resp_client.py": "every reply was what it had to be",
    "statsd_sink.py": "every datagram is accounted for",
}

# test_recipes.py runs these: they need somebody at the other end.
RECIPES = [
    "aiohttp_app.py",
    "asgi_app.py",
    "dns_server.py",
    "gunicorn_worker.py",
    "redis_clients.py",
]

WORKERS = EXAMPLES / "reuse_port_workers.py"


@pytest.fixture
def environment(pysock):
    """The environment of an example on one backend, with the pysock that is tested here."""
    chosen = {key: value for key, value in os.environ.items() if key != "PYSOCK_NO_EXTENSIONS"}
    chosen["PYTHONPATH"] = str(EXAMPLES.parent)
    if pysock.BACKEND == "stdlib":
        chosen["PYSOCK_NO_EXTENSIONS"] = "1"
    return chosen


def run(environment, *command):
    return subprocess.run(
        [sys.executable, *command],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_example_is_run_here():
    checked = [EXAMPLES / name for name in (*CHECKED, *RECIPES)]
    assert sorted(EXAMPLES.glob("*.py")) == sorted([*GREETINGS, DEMO, WORKERS, *checked])


@pytest.mark.parametrize("example", GREETINGS, ids=lambda path: path.name)
def test_greeting(example, environment):
    # -X dev: a socket left open, or any other warning, would be an example of bad manners.
    done = run(environment, "-X", "dev", "-W", "error", example)
    assert (done.returncode, done.stderr) == (0, "")
    first, *said = done.stdout.splitlines()
    assert first.endswith("<class 'pysock.socket'>")
    assert len(said) == 3
    for number, line in enumerate(said, start=1):
        assert line.startswith(f"server said: Thank you for connecting, client {number}")


@pytest.mark.parametrize("name", CHECKED)
def test_what_an_example_says_last(name, environment):
    # Python 3.15 says this of the __main__ of a process that multiprocessing has spawned.
    ignored = "ignore:Module globals is missing a __spec__.loader:DeprecationWarning"
    done = run(environment, "-X", "dev", "-W", "error", "-W", ignored, EXAMPLES / name)
    # Of a busy machine asyncio's debug mode says that it is slow.
    said = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert (done.returncode, said) == (0, []), done.stdout
    assert done.stdout.splitlines()[-1] == CHECKED[name]


@pytest.mark.parametrize("method", [[], ["fork"], ["forkserver"], ["spawn"]])
def test_workers_on_one_port(method, environment):
    done = run(environment, "-X", "dev", "-W", "error", WORKERS, *method)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    said = "every worker served, every byte came back, every process ended"
    assert done.stdout.splitlines()[-1] == said


def test_proxy_between_others(environment):
    """As a program: what comes through it, a half that is shut down, and a connection refused."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        to = f"127.0.0.1:{target.getsockname()[1]}"
        command = [sys.executable, EXAMPLES / "proxy.py", "--listen", "127.0.0.1:0", "--to", to]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as proxy:
            try:
                host, port = proxy.stdout.readline().split()[-1].split(":")
                client = socket.create_connection((host, int(port)), timeout=20)
                server, _ = target.accept()
                with client, server:
                    client.sendall(b"question")
                    client.shutdown(socket.SHUT_WR)
                    assert server.recv(100, socket.MSG_WAITALL) == b"question"
                    server.sendall(b"answer")
                    server.close()
                    assert client.recv(100, socket.MSG_WAITALL) == b"answer"
                target.close()
                with socket.create_connection((host, int(port)), timeout=20) as refused:
                    assert refused.recv(1) == b""
            finally:
                while proxy.poll() is None:
                    # Where it meets the end of an object, what a handler raises goes nowhere.
                    proxy.send_signal(signal.SIGINT)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        proxy.wait(5)
        assert proxy.returncode == 0


def test_demo(environment):
    done = run(environment, DEMO, "--quick")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1] == "all checks passed"
    for row in ("TCP greeting", "UDP greeting", "Unix greeting", "http.server", "pyftpdlib"):
        assert row in done.stdout
    assert "FAILED" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    on_fallback = "PYSOCK_NO_EXTENSIONS" in environment
    assert on_fallback == ("the fallback, on the standard library" in done.stdout)


def test_demo_without_the_ftp_server(environment, tmp_path):
    (tmp_path / "pyftpdlib.py").write_text("raise ImportError('as if not installed')")
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = run(environment, DEMO, "--quick")
    assert done.returncode == 1
    assert "pip install pyftpdlib" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_demo_leaves_no_child_behind(environment):
    demo = subprocess.Popen(
        [sys.executable, DEMO],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A process group of its own: whatever the demo starts is in it.
        start_new_session=True,
    )
    with demo:
        for line in demo.stdout:
            if line.startswith("TCP"):
                break
        demo.send_signal(signal.SIGTERM)
        # Pipes that nobody reads would fill; a child left behind would keep them open.
        demo.communicate(timeout=30)
    assert demo.returncode == 1
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)
