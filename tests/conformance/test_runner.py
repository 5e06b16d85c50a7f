"""The conformance runner itself: it sees planted faults, and no hang or crash loses the rest."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run.py")

# The standard library's functions, made again with this module's globals, make its sockets.
STAND_IN = """
import os, types
import socket as original
from socket import *

for name in dir(original):
    if not name.startswith("__"):
        globals().setdefault(name, getattr(original, name))
BACKEND = "stdlib" if os.environ.get("PYSOCK_NO_EXTENSIONS") else "c"

class socket(original.socket):
    __slots__ = ()

def socketpair(*args, _function=original.socketpair.__code__):
    return types.FunctionType(_function, globals(), "socketpair", (None, SOCK_STREAM, 0))(*args)

def install(**named):
    original.socket, original.socketpair = socket, socketpair
"""

TOY = """
import asyncio, os, socket, sys, time, unittest

REPLACED = "pysock" in sys.modules
pairs = []

class Toy(unittest.TestCase):
    def test_a_pair(self):
        left, right = socket.socketpair()
        pairs.append(left.fileno())
        with left, right:
            left.send(b"abc")
            self.assertEqual(right.recv(10), b"abc")

    def test_b_planted(self):
        if REPLACED:
            {planted}

    def test_c_after(self):
        pass
"""


# asyncio's loop, a test in debug mode, and one that runs on a loop of the helpers' own.
LOOP = """
import asyncio

class EventLoop(asyncio.SelectorEventLoop):
    turns = 0

    def _run_once(self):
        self.turns += not self.get_debug()
        super()._run_once()

    def metrics(self):
        return {"turns": self.turns}
"""

LOOP_TOY = """
import asyncio, sys, unittest

REPLACED = "pysock" in sys.modules

def tearDownModule():
    asyncio.set_event_loop_policy(None)

async def name_of_class():
    return type(asyncio.get_running_loop()).__module__

class Toy(unittest.TestCase):
    def test_a_policy(self):
        self.assertEqual(asyncio.run(name_of_class()) == "pysock", REPLACED)

    def test_b_by_name(self):
        for module in asyncio, asyncio.unix_events:
            loop = module.SelectorEventLoop()
            self.assertEqual(loop.run_until_complete(name_of_class()) == "pysock", REPLACED)
            loop.close()

class AsyncToy(unittest.IsolatedAsyncioTestCase):
    async def test_c_isolated(self):
        self.assertEqual(await name_of_class() == "pysock", REPLACED)
        self.assertEqual(asyncio.get_running_loop().get_debug(), not REPLACED)

    async def test_d_planted(self):
        loop = asyncio.get_running_loop()
        calls = []
        loop.call_soon(calls.append, 1)
        loop.call_soon(calls.append, 2)
        await asyncio.sleep(0)
        self.assertEqual(calls, [1, 2])
"""


class Workspace:
    """A stand-in for pysock, a toy module of tests, and the runner over both."""

    def __init__(self, path):
        self.path = path
        (path / "pysock").mkdir()
        self.write_pysock()
        self.plant("pass")

    def write_pysock(self, extra=""):
        (self.path / "pysock" / "__init__.py").write_text(STAND_IN + textwrap.dedent(extra))

    def plant(self, statement):
        (self.path / "toy.py").write_text(TOY.format(planted=statement))

    def run(self, *arguments, module="toy", backend="c"):
        found = self.path / "found.json"
        found.unlink(missing_ok=True)
        done = subprocess.run(
            [
                sys.executable,
                RUNNER,
                "--path",
                self.path,
                "--module",
                module,
                "--backend",
                backend,
                "--limit",
                "2",
                "--json",
                found,
                *arguments,
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert found.exists(), done.stderr
        result = json.loads(found.read_text())
        assert result["status"] == done.returncode
        result["text"] = done.stdout
        return result

    def expect(self, line):
        path = self.path / "expected"
        path.write_text(f"# a comment\n\n{line}\n")
        return "--expected", path


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def lost(result):
    return [(loss["test"].rpartition(".")[2], loss["status"]) for loss in result["lost"]]


def test_a_faithful_subclass_loses_nothing_of_test_socket(workspace):
    result = workspace.run("-k", "BasicUDPTest.test", module="test_socket")
    assert result["status"] == 0, result["text"]
    assert [(row["backend"], row["mode"]) for row in result["rows"]] == [
        ("baseline", "plain"),
        ("c", "alias"),
        ("c", "install"),
    ]
    for row in result["rows"]:
        assert row["passed"] == row["run"] > 2
    assert result["rows"][-1]["own sockets"].startswith("100% of ")


def test_a_recv_one_byte_short_is_lost_on_both_backends(workspace):
    workspace.write_pysock("""
        class socket(socket):
            def recv(self, *args):
                return super().recv(*args)[:-1]
    """)
    result = workspace.run(backend="both")
    assert result["status"] == 1
    assert lost(result) == [("test_a_pair", "failed")] * 2
    assert "AssertionError: b'ab' != b'abc'" in result["text"]


def test_a_missing_extension_is_an_error(workspace):
    workspace.write_pysock("BACKEND = 'stdlib'")
    result = workspace.run()
    assert result["status"] == 2
    assert "pysock.BACKEND is 'stdlib', asked for 'c'" in result["errors"][0]


def test_a_missing_pysock_is_an_error(workspace):
    (workspace.path / "pysock" / "__init__.py").write_text("raise ImportError('no pysock')")
    assert workspace.run()["status"] == 2


def test_an_install_without_effect_is_an_error(workspace):
    workspace.write_pysock("def install(**named): pass")
    result = workspace.run()
    assert result["status"] == 2
    assert "no socket of pysock's class" in result["errors"][0]


def run_loop_toy(workspace, extra=""):
    workspace.write_pysock(LOOP + textwrap.dedent(extra))
    (workspace.path / "toy.py").write_text(LOOP_TOY)
    return workspace.run("--mode", "loop", "install+loop", backend="both")


def test_a_loop_is_found_wherever_asyncio_looks_for_it(workspace):
    result = run_loop_toy(workspace)
    assert result["status"] == 0, result["text"]
    assert [(row["backend"], row["mode"]) for row in result["rows"]] == [
        ("baseline", "plain"),
        ("c", "loop"),
        ("c", "install+loop"),
        ("stdlib", "loop"),
        ("stdlib", "install+loop"),
    ]
    baseline, *compared = result["rows"]
    assert baseline["own loops"] == ""
    for row in compared:
        assert row["passed"] == row["run"] == 4
        assert row["own loops"] == "100% of 5"
        assert row["own turns"] > 5
        assert row["own sockets"].startswith("100% of " if "install" in row["mode"] else "")


def test_a_faithful_loop_loses_nothing_of_test_selector_events(workspace):
    workspace.write_pysock(LOOP)
    module = "test_asyncio.test_selector_events"
    result = workspace.run("--mode", "loop", "-k", "BaseSelectorEventLoopTests", module=module)
    assert result["status"] == 0, result["text"]
    assert result["rows"][-1]["own loops"].startswith("100% of ")


def test_a_loop_that_turns_callbacks_round_is_lost(workspace):
    result = run_loop_toy(
        workspace,
        """
        class EventLoop(EventLoop):
            def _run_once(self):
                self._ready.reverse()
                super()._run_once()
        """,
    )
    assert result["status"] == 1
    assert lost(result) == [("test_d_planted", "failed")] * 4


@pytest.mark.parametrize(
    "planted", ["asyncio.unix_events._UnixSelectorEventLoop().close()", "pass"]
)
def test_a_loop_that_the_tests_do_not_meet_is_an_error(workspace, planted):
    workspace.write_pysock(LOOP)
    workspace.plant(planted)
    result = workspace.run("--mode", "loop")
    assert result["status"] == 2
    assert "no pysock.EventLoop was made" in result["errors"][0]


def test_a_run_of_nothing_is_an_error(workspace):
    assert workspace.run("-k", "nothing_is_called_that")["status"] == 2
    assert workspace.run(module="no_such_module")["status"] == 2


def test_a_hang_is_ended_and_the_rest_runs(workspace):
    workspace.plant("time.sleep(60)")
    result = workspace.run()
    assert result["status"] == 1
    assert lost(result) == [("test_b_planted", "hung")]
    assert "test_b_planted" in result["lost"][0]["detail"]  # where it stood
    assert result["rows"][-1]["passed"] == 2


def test_a_crash_is_lost_and_the_rest_runs(workspace):
    workspace.plant("os.abort()")
    result = workspace.run()
    assert lost(result) == [("test_b_planted", "crashed")]
    assert result["rows"][-1]["passed"] == 2


def test_a_crash_at_exit_is_lost(workspace):
    workspace.plant("import atexit; atexit.register(os.abort)")
    result = workspace.run()
    assert result["rows"][-1]["passed"] == 3
    assert [loss["test"] for loss in result["lost"]] == ["toy: crashed at exit"]


def test_a_skip_where_the_baseline_passes_is_lost(workspace):
    workspace.plant("self.skipTest('not with pysock')")
    assert lost(workspace.run()) == [("test_b_planted", "skipped")]


def test_a_second_try_is_reported(workspace):
    marker = workspace.path / "marker"
    workspace.plant(
        f"first = not os.path.exists({str(marker)!r}); open({str(marker)!r}, 'w').close(); "
        "self.assertFalse(first)"
    )
    result = workspace.run()
    assert result["status"] == 0
    assert "passed at a second try, alone and in the module: toy.Toy.test_b" in result["text"]


def test_a_failure_that_needs_the_tests_before_it_is_lost(workspace):
    workspace.plant("self.assertEqual(pairs, [])")
    result = workspace.run()
    assert lost(result) == [("test_b_planted", "failed")]
    assert "passes alone" in result["text"]


def test_an_expected_difference_does_not_fail_the_run(workspace):
    workspace.plant("self.fail()")
    expected = workspace.expect("* c install toy.Toy.test_b_planted planted here")
    result = workspace.run(*expected)
    assert result["status"] == 0
    assert result["lost"][0]["expected"] and "EXPECTED" in result["text"]


def test_a_stale_expected_difference_fails_the_run(workspace):
    result = workspace.run(*workspace.expect("* * * toy.Toy.test_b_planted no longer true"))
    assert result["status"] == 1
    assert result["lost"] == []
    assert "no longer differ" in result["text"]


def test_an_entry_for_another_backend_is_not_judged(workspace):
    result = workspace.run(*workspace.expect("* stdlib * toy.Toy.test_b_planted other backend"))
    assert result["status"] == 0
